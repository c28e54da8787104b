"""A fleet that sends to a queue: what it says was acknowledged is what the queue holds.

ctest: timeout=600
"""
import base64
import json
import signal
import subprocess
import time
import unittest

import harness
import mns

QUEUE = "fleet"
MESSAGES = 20000 if not harness.SANITIZED else 3000
FLEET = ("--devices", 100, "--duplicates", 0.1, "--late-share", 0.1, "--thing-model", 0.2)
FAULTS = ("--visibility", 1, "--seed", 3, "--error-rate", 0.05, "--drop", 0.05, "--truncate", 0.03)


class FleetTest(unittest.TestCase):
    def setUp(self):
        self.db = harness.Db(self)

    def open_queue(self, *args):
        self.queue = mns.LocalQueue(self, *args)
        self.url = self.queue.url(QUEUE)
        self.client = self.queue.client()
        self.addCleanup(self.client.close)

    def fleet(self, *args, url=None, env=None, want_code=0):
        env = env or mns.credentials_environment()
        result = harness.run("mnsdb-fleet", "--queue", url or self.url, *args, env=env)
        self.assertEqual(result.code, want_code, result)
        self.assertNotIn(mns.KEY_SECRET.encode(), result.out + result.err)
        return result

    def peek(self, count=16):
        return self.client.peek(QUEUE, count).all("MessageBody")

    def ingest_once(self):
        result = harness.run(
            "mnsdb-ingest", "--db", self.db.path, "--queue", self.url, "--once", env=mns.credentials_environment()
        )
        self.assertEqual(result.code, 0, result)

    def stored_after_once(self):
        harness.run(
            "mnsdb-ingest", "--db", self.db.path, "--queue", self.url, "--once", env=mns.credentials_environment()
        )
        return int(self.db.query("info")["stored"])

    def compare(self, ledger):
        """The store with what was sent. Only the order of arrival is free."""
        self.db.oracle.ingest(ledger)
        self.db.check(harness.answers.metric_rows(self.db.oracle), "metrics")
        self.db.check(harness.answers.device_rows(self.db.oracle), "devices")
        self.db.check_stats(["temperature", "humidity"], ("count", "sum", "min", "max"), by="device")
        self.db.check_online()
        rejects = sorted((r["reason"], r["body"]) for r in self.db.query("rejects"))
        kept = sorted((r.reason, base64.b64encode(r.body).decode()) for r in self.db.oracle.rejects)
        self.assertEqual(rejects, kept)


class Sending(FleetTest):
    def test_what_was_sent_is_what_the_store_holds(self):
        self.open_queue()
        ledger = self.db.home / "ledger"
        self.fleet(*FLEET, "--messages", MESSAGES, "--hostile", 0.02, "--create-queue", "--ledger", ledger)
        data = ledger.read_bytes()
        self.assertEqual(data.count(b"\n"), MESSAGES)
        self.assertEqual(sum(self.client.counts(QUEUE)), MESSAGES)
        self.ingest_once()
        self.compare(data)

    def test_a_queue_that_misbehaves_gets_every_line_all_the_same(self):
        self.open_queue("--queue", QUEUE, *FAULTS)
        ledger = self.db.home / "ledger"
        self.fleet(*FLEET, "--messages", MESSAGES, "-o", ledger)
        wanted = harness.run("mnsdb-fleet", *FLEET, "--messages", MESSAGES, "--base64").out
        data = ledger.read_bytes()
        self.assertEqual(sorted(data.splitlines()), sorted(wanted.splitlines()))
        # Receives whose answer was lost come again later, and --once may give up on such a queue.
        mns.wait_until(lambda: self.stored_after_once() == len(set(data.splitlines())), "all messages")
        self.compare(data)

    def test_bodies_are_base64_as_the_platform_writes_them(self):
        self.open_queue()
        self.fleet("--messages", 20, "--create-queue")
        for body in self.peek():
            self.assertIn("messageid", json.loads(base64.b64decode(body, validate=True)))

    def test_raw_bodies_are_the_envelope_itself(self):
        self.open_queue()
        self.fleet("--messages", 20, "--raw", "--create-queue")
        bodies = self.peek()
        self.assertEqual(len(bodies), 16)
        for body in bodies:
            self.assertIn("messageid", json.loads(body))

    def test_a_queue_that_exists_is_not_made_again(self):
        self.open_queue("--queue", QUEUE, "--visibility", 7)
        self.fleet("--messages", 3, "--create-queue")
        attributes = self.client.request("GET", f"/queues/{QUEUE}")
        self.assertEqual(attributes.one("VisibilityTimeout"), "7")
        self.assertEqual(attributes.one("ActiveMessages"), "3")

    def test_the_key_may_come_from_a_file(self):
        self.open_queue()
        key = self.db.file(
            f"[default]\naccess_key_id = {mns.KEY_ID}\naccess_key_secret = {mns.KEY_SECRET}\n".encode(), "key"
        )
        key.chmod(0o600)
        more = ("--messages", 5, "--create-queue", "--credentials-file", key)
        self.fleet(*more, env=harness.environment())
        self.assertEqual(len(self.peek()), 5)


class RealTime(FleetTest):
    def test_a_signal_ends_it_and_the_ledger_is_whole(self):
        self.open_queue("--queue", QUEUE)
        ledger = self.db.home / "ledger"
        began_ms = int(time.time() * 1000)
        fleet = mns.Process(
            self, "mnsdb-fleet", "--realtime", "--devices", 50, "--interval", "200ms", "--jitter", "50ms",
            "--queue", self.url, "--ledger", ledger, env=mns.credentials_environment(),
        )  # fmt: skip
        mns.wait_until(lambda: sum(self.client.counts(QUEUE)) > 200, "200 messages")
        self.assertEqual(fleet.stop(signal.SIGTERM), 128 + signal.SIGTERM, fleet.err)
        ended_ms = int(time.time() * 1000)
        lines = ledger.read_bytes().splitlines()
        self.assertEqual(sum(self.client.counts(QUEUE)), len(lines))
        for line in lines:
            envelope = harness.parse_json(base64.b64decode(line))
            sent_ms = (int(envelope["messageid"]) >> 22) + harness.SNOWFLAKE_EPOCH_MS
            self.assertGreaterEqual(sent_ms, began_ms - 1000)  # it begins with a whole second
            self.assertLessEqual(sent_ms, ended_ms)


class Refusals(FleetTest):
    def test_exit_codes_tell_what_is_wrong(self):
        self.open_queue("--queue", QUEUE)
        wrong = mns.credentials_environment(secret="not-the-secret")
        self.fleet("-m", 1, env=wrong, want_code=6)
        self.fleet("-m", 1, env=harness.environment(), want_code=3)
        self.assertIn(b"QueueNotExist", self.fleet("-m", 1, url=self.queue.url("none"), want_code=5).err)
        self.fleet("-m", 1, url=self.queue.endpoint, want_code=3)
        self.fleet("-m", 1, url="http://example.invalid/queues/q", want_code=3)
        self.fleet("-m", 1, url="ftp://127.0.0.1/queues/q", want_code=2)
        self.fleet("-m", 1, "--ledger", self.db.home / "no" / "ledger", want_code=1)

    def test_a_queue_that_cannot_be_reached_is_exit_5(self):
        self.open_queue("--queue", QUEUE)
        self.queue.kill()
        self.fleet("-m", 1, want_code=5)

    def test_options_that_contradict_each_other_are_usage_errors(self):
        url = "http://127.0.0.1:1/queues/q"
        for more in (
            ("--queue", url, "--rate", 5, "--realtime"),
            ("--queue", url, "--raw", "--base64"),
            ("--queue", url, "--ledger", "a", "-o", "b"),
            ("--queue", url, "--rate", 0),
            ("--queue", url, "--sends", 65),
            ("--rate", 5),
            ("--realtime",),
            ("--create-queue",),
            ("--ledger", "a"),
        ):
            self.assertEqual(harness.run("mnsdb-fleet", *more).code, 2, more)

    def test_a_queue_that_disappears_is_waited_for(self):
        """Killed and started again on its port and folder, it gets the rest."""
        folder = self.db.home / "queue"
        self.open_queue("--queue", QUEUE, "--dir", folder)
        port = self.queue.endpoint.rpartition(":")[2]
        ledger = self.db.home / "ledger"
        fleet = mns.Process(
            self, "mnsdb-fleet", "--messages", 400, "--rate", 400, "--queue", self.url, "--ledger", ledger,
            env=mns.credentials_environment(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        mns.wait_until(lambda: sum(self.client.counts(QUEUE)) > 50, "50 messages")
        self.queue.kill()
        self.client.close()
        self.queue = mns.LocalQueue(self, "--queue", QUEUE, "--dir", folder, port=port)
        self.assertEqual(fleet.wait(), 0, fleet.err)
        self.assertEqual(ledger.read_bytes().count(b"\n"), 400)
        self.assertGreaterEqual(sum(self.client.counts(QUEUE)), 400)


if __name__ == "__main__":
    harness.main()
