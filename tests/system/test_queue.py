"""Ingest from a queue, as its user sees it: options, signals, exit codes, output, metrics.

ctest: timeout=600
"""
import base64
import http.client
import json
import signal
import socket
import stat
import subprocess
import unittest
from pathlib import Path

import harness
import mns

QUEUE = "iot-a1"


def body(number, device="p/d1"):
    return harness.reading(device, {"v": number}, harness.snowflake(1600000000000 + number), 1600000000)


def encoded(data):
    return base64.b64encode(data)


class QueueTest(unittest.TestCase):
    queue_args = ("--queue", QUEUE)

    def setUp(self):
        self.queue = mns.LocalQueue(self, *self.queue_args)
        self.url = self.queue.url(QUEUE)
        self.client = self.queue.client()
        self.addCleanup(self.client.close)
        self.db = harness.Db(self)

    def ingest(self, *more, url=None, env=None, **kw):
        """Runs to its end."""
        return harness.run(
            "mnsdb-ingest", "--db", self.db.path, "--queue", url or self.url, *more,
            env=env or mns.credentials_environment(), **kw,
        )  # fmt: skip

    def once(self, *more, want_code=0, **kw):
        result = self.ingest("--once", "--summary", "json", *more, **kw)
        self.assertEqual(result.code, want_code, result)
        return json.loads(result.out.splitlines()[-1]) if want_code == 0 else result

    def running(self, *more, env=None):
        return mns.Ingest(self, self.db.path, self.url, more=["--commit-window", "10ms", *more], env=env)

    def stored(self):
        result = self.db.run("info", "--format", "json")
        return int(harness.parse_json(result.out)["stored"]) if result.code == 0 else 0

    def wait_for(self, count, ingest):
        def there():
            self.assertTrue(ingest.running(), ingest.err)
            return self.stored() >= count

        mns.wait_until(there, f"{count} messages")

    def endpoint(self, *more, **kw):
        """An ingest that runs, and the port of its endpoint."""
        ingest = self.running("--listen", "127.0.0.1:0", "--log-format", "json", *more, **kw)
        port = []

        def known():
            for line in ingest.err.splitlines():
                event = json.loads(line)
                if "endpoint" in event["msg"]:
                    text = event.get("address") or event.get("url")
                    port[:] = [int(text.rstrip("/").rsplit(":", 1)[1].split("/")[0])]
            return port or not ingest.running()

        mns.wait_until(known, "the endpoint")
        self.assertTrue(port, ingest.err)
        return ingest, port[0]

    @staticmethod
    def get(port, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


class Messages(QueueTest):
    def test_the_walkthrough_arrives_and_is_counted_once(self):
        bodies = [encoded(body(n)) for n in range(40)]
        self.client.send_all(QUEUE, bodies + bodies[:10])
        got = self.once()
        self.assertEqual((got["received"], got["stored"], got["duplicates"]), (50, 40, 10))
        self.assertEqual(self.client.counts(QUEUE), (0, 0, 0))
        self.db.oracle.ingest(b"\n".join(bodies))
        self.db.check_log()
        self.db.check_verify()
        self.assertEqual(self.once()["received"], 0)

    def test_bodies_of_every_form_become_what_they_become_from_files(self):
        raw = body(1)
        spread = raw.replace(b",", b",\r\n ", 3)
        odd = [b"   ", b"%%%", b"{", b'{"messageid":9}', "{\"ключ\":\"☃\"}".encode(), b"eyJh\nIjoxfQ==", b"<&>\"'"]
        wrapped = b"\n".join(encoded(body(2))[i : i + 20] for i in range(0, 200, 20))
        for one in [raw, spread, wrapped, encoded(body(3)), *odd]:
            self.client.send_all(QUEUE, [one])
        got = self.once()
        self.assertEqual(got["received"], got["stored"] + got["duplicates"] + got["rejected"])
        self.assertEqual(got["received"], 4 + len(odd))
        self.assertEqual((got["stored"], got["duplicates"]), (3, 1))
        self.assertEqual(self.client.counts(QUEUE), (0, 0, 0))
        kept = {base64.b64decode(row["body"]) for row in self.db.query("rejects")}
        self.assertIn(b"%%%", kept)
        self.assertIn("{\"ключ\":\"☃\"}".encode(), kept)

    def test_several_queues_fill_one_store(self):
        self.client.create("second")
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(20)])
        self.client.send_all("second", [encoded(body(n)) for n in range(10, 30)])
        got = self.once("--queue", self.queue.url("second"))
        self.assertEqual((got["received"], got["stored"], got["duplicates"]), (40, 30, 10))

    def test_the_queue_may_come_from_the_environment(self):
        self.client.send_all(QUEUE, [encoded(body(1))])
        env = mns.credentials_environment() | {"MNS_QUEUE_URL": self.url, "MNSDB_DB": str(self.db.path)}
        result = harness.run("mnsdb-ingest", "--once", "--summary", "json", env=env)
        self.assertEqual((result.code, json.loads(result.out)["stored"]), (0, 1), result)


class Modes(QueueTest):
    def test_a_dry_run_stores_and_deletes_nothing(self):
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(20)])
        result = self.ingest("--once", "--dry-run", "--summary", "json")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(json.loads(result.out)["received"], 20)
        self.assertFalse(self.db.path.exists())
        self.assertEqual(sum(self.client.counts(QUEUE)), 20)

    def test_print_shows_each_message_with_its_payload(self):
        secret = harness.envelope("upload", {"deviceSecret": "hunter2hunter2", "v": 1}, 77, 1600000000, "/p/d/u")
        self.client.send_all(QUEUE, [encoded(body(5)), encoded(secret), b"junk"])
        result = self.ingest("--once", "--print", "--dry-run")
        self.assertEqual(result.code, 0, result)
        rows = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual(len(rows), 3, result)
        self.assertEqual(rows[0]["payload"], {"v": 5})
        self.assertEqual(rows[0]["messageid"], harness.snowflake(1600000000005))
        self.assertNotIn(b"hunter2", result.out)
        self.assertEqual(rows[2], {"body": base64.b64encode(b"junk").decode()})
        # Peeked: nothing was received, so nothing waits for its visibility.
        self.assertEqual(self.client.counts(QUEUE), (3, 0, 0))

    def test_print_also_works_while_storing(self):
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(30)])
        result = self.ingest("--once", "--print")
        self.assertEqual((result.code, len(result.out.splitlines())), (0, 30), result)
        self.assertEqual(self.stored(), 30)

    def test_what_is_recorded_can_be_ingested_again(self):
        bodies = [encoded(body(n)) for n in range(30)] + [body(100).replace(b",", b",\n", 1), b"junk"]
        self.client.send_all(QUEUE, bodies)
        record = self.db.home / "record.ndjson"
        got = self.once("--record", record)
        self.assertEqual(stat.S_IMODE(record.stat().st_mode), 0o600)
        again = harness.Db(self)
        summary = again.ingest_files(record)
        for field in ("received", "stored", "rejected"):
            self.assertEqual(str(summary[field]), str(got[field]), field)
        self.assertEqual(again.query("log"), self.db.query("log"))

    def test_a_record_is_continued_in_numbered_files(self):
        record = self.db.home / "record.ndjson"
        for start in range(0, 600, 200):
            self.client.send_all(QUEUE, [encoded(body(n)) for n in range(start, start + 200)])
            self.once("--record", record, "--record-max-size", "20k")
        files = sorted(self.db.home.glob("record.ndjson*"))
        self.assertGreater(len(files), 2)
        again = harness.Db(self)
        self.assertEqual(str(again.ingest_files(*files)["stored"]), "600")

    def test_queue_status_tells_the_counts_and_attributes(self):
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(5)])
        self.client.receive(QUEUE, 2)
        self.client.send(QUEUE, [encoded(body(9))], DelaySeconds=60)
        result = self.ingest("--queue-status")
        self.assertEqual(result.code, 0, result)
        rows = dict(line.split("\t") for line in result.out.decode().splitlines())
        self.assertEqual((rows["active"], rows["inactive"], rows["delayed"]), ("3", "2", "1"), result)
        self.assertIn("VisibilityTimeout", rows)
        self.assertFalse(self.db.path.exists())

    def test_check_config_shows_values_and_origins_without_secrets(self):
        result = self.ingest("--check-config")
        self.assertEqual(result.code, 0, result)
        self.assertIn(self.url.encode(), result.out)
        self.assertIn(b"--queue", result.out)
        self.assertNotIn(mns.KEY_SECRET.encode(), result.out + result.err)


class Failures(QueueTest):
    def test_refused_credentials_are_exit_6(self):
        result = self.once(env=mns.credentials_environment(secret="wrong-Secret-000"), want_code=6)
        self.assertIn(b"SignatureDoesNotMatch", result.err)

    def test_no_such_queue_and_no_server_are_exit_5(self):
        result = self.once(url=self.queue.url("missing"), want_code=5)
        self.assertIn(b"QueueNotExist", result.err)
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        self.once(url=f"http://127.0.0.1:{port}/queues/x", want_code=5)

    def test_settings_that_make_no_sense_are_exit_3(self):
        for url in ("http://192.0.2.1/queues/x", "ftp://127.0.0.1/queues/x", "https://u:p@h/queues/x", "nonsense"):
            result = self.ingest("--once", url=url)
            self.assertIn(result.code, (2, 3), result)
            self.assertNotIn(b"u:p", result.err)
        self.assertEqual(self.ingest("--once", url="http://192.0.2.1/queues/x").code, 3)
        bare = harness.environment()
        self.assertIn(b"ALIBABA_CLOUD_ACCESS_KEY_ID", self.once(env=bare, want_code=3).err)

    def test_a_second_ingest_fails_at_once(self):
        first = self.running()
        self.client.send_all(QUEUE, [encoded(body(1))])
        self.wait_for(1, first)
        for number in (0, signal.SIGSTOP):
            first.send_signal(number)
            result = self.once(want_code=4)
            self.assertIn(b"another process", result.err)
        first.send_signal(signal.SIGCONT)
        self.assertEqual(first.stop(), 0)

    def test_a_server_whose_clock_is_off_is_followed(self):
        other = mns.LocalQueue(self, "--queue", QUEUE, "--clock-offset", "-3h")
        with_offset = mns.Client(other.endpoint)
        shifted = {"Date": mns.formatdate(mns.time.time() - 3 * 3600, usegmt=True)}
        sent = with_offset.request(
            "POST", f"/queues/{QUEUE}/messages",
            f"<Message><MessageBody>{encoded(body(1)).decode()}</MessageBody></Message>", shifted,
        )  # fmt: skip
        self.assertEqual(sent.status, 201, sent)
        self.assertEqual(self.once(url=other.url(QUEUE))["stored"], 1)


class Running(QueueTest):
    def test_sigterm_drains_and_exits_0(self):
        ingest = self.running()
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(200)])
        self.wait_for(1, ingest)
        self.assertEqual(ingest.stop(), 0, ingest.err)
        active, inactive, delayed = self.client.counts(QUEUE)
        self.assertEqual(inactive, 0, "what was received was deleted")
        self.assertEqual(active + delayed + self.stored(), 200)

    def test_sigterm_ends_an_idle_ingest_in_every_phase(self):
        for pause in (0, 0.01, 0.05, 0.2, 0.5):
            ingest = self.running()
            mns.time.sleep(pause)
            # Before its handlers stand, the signal ends it as it would any program.
            self.assertIn(ingest.stop(timeout=60), (0, -signal.SIGTERM), ingest.err)
        ingest, _ = self.endpoint()
        self.assertEqual(ingest.stop(signal.SIGINT), 0, ingest.err)

    def test_sighup_reads_credentials_again(self):
        file = self.db.home / "credentials"
        file.touch(mode=0o600)
        right = f"ALIBABA_CLOUD_ACCESS_KEY_ID={mns.KEY_ID}\nALIBABA_CLOUD_ACCESS_KEY_SECRET="
        file.write_text(right + "Not-The-Secret-1\n")
        ingest = self.running("--credentials-file", str(file), env=harness.environment())
        mns.wait_until(lambda: b"SignatureDoesNotMatch" in ingest.err, "the refusal")
        self.client.send_all(QUEUE, [encoded(body(1))])
        file.write_text(right + mns.KEY_SECRET + "\n")
        ingest.send_signal(signal.SIGHUP)
        self.wait_for(1, ingest)
        self.assertEqual(ingest.stop(), 0, ingest.err)

    def test_the_live_screen_shows_the_backlog(self):
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(5)])
        ingest, port = self.endpoint()
        self.wait_for(5, ingest)

        def shown():
            self.assertTrue(ingest.running(), ingest.err)
            url = f"http://127.0.0.1:{port}/metrics"
            out = self.db.run("watch", "--once", "--metrics", url).out
            self.assertIn(b"Messages  5 stored", out)
            self.assertNotIn(b"metrics:", out)
            return f"Queue     {QUEUE} 0 waiting".encode() in out

        mns.wait_until(shown, "the backlog")

    def test_metrics_and_readiness(self):
        self.client.send_all(QUEUE, [encoded(body(n)) for n in range(30)] + [encoded(body(1)), b"junk"])
        ingest, port = self.endpoint()
        self.wait_for(30, ingest)
        mns.wait_until(lambda: self.get(port, "/readyz")[0] == 200, "readiness")
        self.assertEqual(self.get(port, "/healthz")[0], 200)
        mns.wait_until(lambda: self.value(port, "received_total", 'queue="iot-a1"') >= 32, "the counters")
        self.assertEqual(self.value(port, "stored_total"), 30)
        self.assertEqual(self.value(port, "duplicates_total"), 1)
        self.assertEqual(self.value(port, "rejected_total", 'reason="bad-json"'), 1)
        self.assertEqual(self.get(port, "/other")[0], 404)
        self.assertEqual(self.get(port, "/metrics", "POST")[0], 405)
        self.assertEqual(ingest.stop(), 0, ingest.err)

    @staticmethod
    def value(port, ending, label=""):
        """The sum of the metrics whose name ends so and that have the label."""
        return sum(v for k, v in mns.metrics(port).items() if k.split("{")[0].endswith(ending) and label in k)

    def test_unready_while_credentials_are_refused(self):
        ingest, port = self.endpoint(env=mns.credentials_environment(secret="wrong-Secret-000"))
        mns.wait_until(lambda: "access key" in self.get(port, "/readyz")[1], "the reason")
        self.assertEqual(self.get(port, "/readyz")[0], 503)
        self.assertEqual(ingest.stop(), 0, ingest.err)

    def test_systemd_is_told(self):
        path = self.db.home / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(mns.WAIT_S)
            env = mns.credentials_environment() | {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}
            ingest = self.running(env=env)
            wanted = {"READY=1", "WATCHDOG=1"}
            while wanted:
                wanted -= set(notify.recv(4096).decode().splitlines())
            ingest.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in notify.recv(4096).decode():
                pass
            self.assertEqual(ingest.wait(), 0, ingest.err)

    def test_the_store_can_be_queried_while_messages_come(self):
        ingest = self.running()
        for start in range(0, 200, 50):
            self.client.send_all(QUEUE, [encoded(body(n)) for n in range(start, start + 50)])
            self.wait_for(start + 50, ingest)
            (row,) = self.db.query("stats", "v", "--agg", "count,max")
            self.assertEqual((row["v_count"], row["v_max"]), (str(start + 50), str(start + 49)))
        self.assertEqual(ingest.stop(), 0, ingest.err)

    def test_a_full_store_is_waited_for(self):
        """No room by a limit on file sizes, which is lifted while ingest waits."""
        self.client.send_all(QUEUE, [encoded(body(0))])
        self.once()
        size = (self.db.path / "data.mdb").stat().st_size
        limit = ["prlimit", f"--fsize={size}:unlimited", "--"]
        ingest = mns.Ingest(self, self.db.path, self.url, more=["--commit-window", "10ms"], wrapper=limit)
        total = 1
        while b"no room" not in ingest.err:
            self.assertLess(total, 20000, ingest.err)
            self.client.send_all(QUEUE, [encoded(body(n)) for n in range(total, total + 160)])
            total += 160
            mns.time.sleep(0.05)
        before = self.stored()
        subprocess.run(["prlimit", "--pid", str(ingest.pid), "--fsize=unlimited"], check=True)
        self.wait_for(total, ingest)
        self.assertLess(before, total)
        self.assertEqual(ingest.stop(), 0, ingest.err)
        self.assertEqual(self.client.counts(QUEUE), (0, 0, 0))
        self.db.check_verify()


class Secrets(QueueTest):
    """A canary that must not show anywhere."""

    secret, token = "CanarySecret7f3a9b2c", "CanaryToken51e8d04f66"

    def test_secrets_show_nowhere(self):
        queue = mns.LocalQueue(self, "--queue", QUEUE, "--deny", "0.2", "--error-rate", "0.1", "--drop", "0.05", "--seed", "3", secret=self.secret)
        env = mns.credentials_environment(secret=self.secret, token=self.token)
        ingest = mns.Ingest(
            self, self.db.path, queue.url(QUEUE), env=env,
            more=["--log-level", "debug", "--listen", "127.0.0.1:0", "--log-format", "logfmt", "--commit-window", "10ms"],
        )  # fmt: skip
        client = queue.client()
        for n in range(60):
            while True:
                try:
                    if client.send(QUEUE, [encoded(body(n))]).status == 201:
                        break
                except (OSError, http.client.HTTPException):
                    pass
        self.wait_for(60, ingest)
        shown = Path(f"/proc/{ingest.pid}/cmdline").read_bytes() + Path(f"/proc/{ingest.pid}/environ").read_bytes()
        limits = Path(f"/proc/{ingest.pid}/limits").read_text()
        port = next(int(w.rsplit(b":", 1)[1].strip(b'/"')) for w in ingest.err.split() if b"127.0.0.1:" in w and b"queues" not in w)
        shown += self.get(port, "/metrics")[1].encode() + self.get(port, "/readyz")[1].encode()
        self.assertEqual(ingest.stop(), 0, ingest.err)
        shown += ingest.err
        for more in (["--check-config"], ["--queue-status"]):
            result = self.ingest(*more, url=queue.url(QUEUE), env=env)
            shown += result.out + result.err
        for file in self.db.path.iterdir():
            shown += file.read_bytes()
        for canary in (self.secret, self.token):
            for form in (canary.encode(), base64.b64encode(canary.encode()), canary.encode().hex().encode()):
                self.assertNotIn(form, shown)
        if not harness.SANITIZED:  # their runtimes need what this takes away
            self.assertRegex(limits, r"Max core file size +0 +0 ")

    def test_a_server_that_echoes_the_secret_does_not_get_it_logged(self):
        echo = f"<Error><Code>AccessDenied</Code><Message>you said {self.secret} {self.token}</Message></Error>".encode()
        answer = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(echo) + echo
        with socket.create_server(("127.0.0.1", 0)) as listener:
            env = mns.credentials_environment(secret=self.secret, token=self.token)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/queues/x"
            ingest = mns.Ingest(self, self.db.path, url, env=env, more=["--once"])
            while ingest.running():
                listener.settimeout(0.2)
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(5)
                    while connection.recv(65536):
                        connection.sendall(answer)
            self.assertEqual(ingest.wait(), 6, ingest.err)
        self.assertIn(b"AccessDenied", ingest.err)
        for canary in (self.secret, self.token):
            self.assertNotIn(canary.encode(), ingest.err)


if __name__ == "__main__":
    unittest.main()
