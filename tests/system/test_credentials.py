"""Where the access key comes from, with the real programs: files, an ECS instance's role, refusals.

ctest: timeout=600
"""
import http.server
import json
import os
import signal
import socketserver
import threading
import unittest
from datetime import datetime, timedelta, timezone

import harness
import mns

QUEUE = "iot-a1"
ROLE = "mnsdb-reader"
TOKEN = "CanaryRoleToken8d1f52"
SESSION = "CanarySession0a7be3"
WRONG = "CanaryWrongSecret4c6e"
LIST = "/latest/meta-data/ram/security-credentials/"


def body(number):
    return harness.reading("p/d1", {"v": number}, harness.snowflake(1600000000000 + number), 1600000000)


class Metadata(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The metadata service of an ECS instance, on loopback."""

    daemon_threads = True

    def __init__(self, test):
        super().__init__(("127.0.0.1", 0), MetadataHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.sessions = True  # the hardened mode is known
        self.strict = False  # and required
        self.silent = threading.Event()  # requests are taken and not answered until it is set
        self.silent.set()
        self.secret = mns.KEY_SECRET
        self.life_s = 3600
        self.lock = threading.Lock()
        self.seen = []  # "PUT session", "GET list", "GET key ROLE", each with "+" if it had the session
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()

        def end():
            self.silent.set()
            self.shutdown()
            self.server_close()
            thread.join()

        test.addCleanup(end)

    def note(self, what):
        with self.lock:
            self.seen.append(what)

    def count(self, what):
        with self.lock:
            return sum(1 for entry in self.seen if entry.startswith(what))

    def key(self):
        expires = datetime.now(timezone.utc) + timedelta(seconds=self.life_s)
        return json.dumps({
            "Code": "Success",
            "AccessKeyId": mns.KEY_ID,
            "AccessKeySecret": self.secret,
            "SecurityToken": TOKEN,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "LastUpdated": "2026-01-01T00:00:00Z",
        })  # fmt: skip


class MetadataHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, text):
        self.server.silent.wait(60)
        data = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the program has ended meanwhile

    def do_PUT(self):
        self.server.note("PUT session")
        life = self.headers.get("X-aliyun-ecs-metadata-token-ttl-seconds", "")
        known = self.server.sessions and self.path == "/latest/api/token" and life.isdigit()
        self.answer(*((200, SESSION) if known else (404, "not found")))

    def do_GET(self):
        with_session = self.headers.get("X-aliyun-ecs-metadata-token") == SESSION
        mark = "+" if with_session else ""
        if self.server.strict and not with_session:
            self.answer(403, "forbidden")
        elif self.path == LIST:
            self.server.note("GET list" + mark)
            self.answer(200, ROLE + "\n")
        elif self.path == LIST + ROLE:
            self.server.note("GET key" + mark)
            self.answer(200, self.server.key())
        else:
            self.answer(404, "not found")


class CredentialsTest(unittest.TestCase):
    def setUp(self):
        self.queue = mns.LocalQueue(self, "--queue", QUEUE)
        self.url = self.queue.url(QUEUE)
        self.client = self.queue.client()
        self.db = harness.Db(self)
        self.sent = 0

    def send(self, count=3):
        self.client.send_all(QUEUE, [body(self.sent + i) for i in range(count)])
        self.sent += count

    def environment(self, **more):
        """Without what the surroundings of the test may tell of keys."""
        env = harness.environment(**more)
        return {k: v for k, v in env.items() if k in more or not k.startswith(("ALIBABA_", "CREDENTIALS_"))}

    def once(self, *more, env=None, want_code=0):
        args = ["--db", self.db.path, "--queue", self.url, "--once", *more]
        result = harness.run("mnsdb-ingest", *args, env=env or self.environment())
        self.assert_no_secret(result.out + result.err)
        self.assertEqual(result.code, want_code, result)
        return result

    def running(self, *more, env=None):
        more = ["--commit-window", "10ms", *more]
        ingest = mns.Ingest(self, self.db.path, self.url, more=more, env=env or self.environment())
        self.addCleanup(lambda: self.assert_no_secret(ingest.err))
        return ingest

    def assert_no_secret(self, output):
        for secret in (mns.KEY_SECRET, TOKEN, SESSION, WRONG):
            self.assertNotIn(secret.encode(), output)

    def wait_until_stored(self, ingest):
        def is_stored():
            self.assertTrue(ingest.running(), ingest.err)
            result = self.db.run("info", "--format", "json")
            return result.code == 0 and int(harness.parse_json(result.out)["stored"]) >= self.sent

        mns.wait_until(is_stored, f"{self.sent} messages")

    def stop(self, ingest):
        self.assertEqual(ingest.stop(), 0, ingest.err)

    def assert_key_serves(self, *more, env=None):
        self.send()
        ingest = self.running(*more, env=env)
        self.wait_until_stored(ingest)
        self.stop(ingest)


class RoleTest(CredentialsTest):
    def setUp(self):
        super().setUp()
        self.metadata = Metadata(self)

    def role(self, *more, name=ROLE):
        return ["--ecs-role", name, "--metadata-url", self.metadata.url, *more]

    def test_a_role_s_key_signs(self):
        self.assert_key_serves(*self.role())
        self.assertEqual(self.metadata.seen, ["PUT session", "GET key+"])

    def test_the_name_of_the_role_is_asked_for(self):
        self.assert_key_serves(*self.role(name=""))
        self.assertEqual(self.metadata.seen, ["PUT session", "GET list+", "GET key+"])

    def test_once_waits_for_the_key(self):
        self.send()
        self.once(*self.role())
        self.assertEqual(self.client.counts(QUEUE)[0], 0)

    def test_no_proxy_sees_the_metadata(self):
        self.send()
        nowhere = "http://127.0.0.1:1"
        env = self.environment(http_proxy=nowhere, HTTPS_PROXY=nowhere, ALL_PROXY=nowhere)
        ingest = self.running(*self.role(), env=env)
        mns.wait_until(lambda: self.metadata.count("GET key"), "the key")
        ingest.stop()

    def test_without_sessions_the_key_is_asked_for_without(self):
        self.metadata.sessions = False
        self.assert_key_serves(*self.role())
        self.assertEqual(self.metadata.seen, ["PUT session", "GET key"])

    def test_with_v2_only_nothing_is_asked_without_a_session(self):
        self.metadata.sessions = False
        self.send()
        for more, env in (
            (["--metadata-v2-only"], {}),
            ([], {"ALIBABA_CLOUD_IMDSV1_DISABLED": "true"}),
        ):
            ingest = self.running(*self.role(), *more, env=self.environment(**env))
            mns.wait_until(lambda: b"no session token" in ingest.err, "the reason")
            self.stop(ingest)
        self.assertEqual(self.metadata.count("GET"), 0)
        self.assertEqual(self.client.counts(QUEUE)[0], self.sent)

    def test_a_strict_service_is_content(self):
        self.metadata.strict = True
        self.assert_key_serves(*self.role("--metadata-v2-only"))

    def test_a_key_is_fetched_anew_before_it_expires(self):
        self.metadata.life_s = 4
        ingest = self.running(*self.role())
        mns.wait_until(lambda: self.metadata.count("GET key") >= 3, "two more keys")
        self.send()
        self.wait_until_stored(ingest)
        self.stop(ingest)

    def test_a_refused_key_is_fetched_anew(self):
        self.metadata.secret = WRONG
        self.send()
        ingest = self.running(*self.role())
        mns.wait_until(lambda: self.metadata.count("GET key") >= 1, "the first key")
        self.metadata.secret = mns.KEY_SECRET
        self.wait_until_stored(ingest)
        self.stop(ingest)

    def test_an_ingest_ends_while_the_service_is_silent(self):
        self.metadata.silent.clear()
        ingest = self.running(*self.role())
        mns.wait_until(lambda: self.metadata.count("PUT"), "the first request")
        self.stop(ingest)

    def test_the_service_can_be_switched_off(self):
        env = self.environment(ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")
        result = self.once(*self.role(), env=env, want_code=3)
        self.assertIn(b"ALIBABA_CLOUD_ECS_METADATA_DISABLED", result.err)
        self.assertEqual(self.metadata.seen, [])

    def test_addresses_that_make_no_sense_are_exit_3(self):
        for url in ("file:///etc/passwd", "http://", "http://user@host", "http://host/path", "host"):
            self.once("--ecs-role", ROLE, "--metadata-url", url, want_code=3)
        self.once(*self.role(name="../x"), want_code=3)


class FileTest(CredentialsTest):
    def setUp(self):
        super().setUp()
        self.file = self.db.home / "credentials"

    def write(self, text, mode=0o600):
        self.file.unlink(missing_ok=True)
        self.file.write_text(text)
        self.file.chmod(mode)

    def key(self, secret=mns.KEY_SECRET, section="default"):
        return f"[{section}]\ntype = access_key\naccess_key_id = {mns.KEY_ID}\naccess_key_secret = {secret}\n"

    def test_every_way_to_name_a_file(self):
        given = ["--credentials-file", self.file]
        by_name = {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(self.file)}
        plain = f"ALIBABA_CLOUD_ACCESS_KEY_ID={mns.KEY_ID}\nALIBABA_CLOUD_ACCESS_KEY_SECRET={mns.KEY_SECRET}\n"
        for text, more, env in (
            (self.key(), given, {}),
            (self.key(WRONG) + self.key(section="prod"), [*given, "--credentials-profile", "prod"], {}),
            (plain, given, {}),
            (self.key(), [], by_name),
        ):
            self.write(text)
            self.assert_key_serves(*more, env=self.environment(**env))

    def test_systemd_s_folder_is_looked_at(self):
        self.write(self.key())
        self.file.rename(self.db.home / "mnsdb-credentials")
        self.assert_key_serves(env=self.environment(CREDENTIALS_DIRECTORY=str(self.db.home)))

    def test_a_file_that_others_could_read_or_plant_is_exit_3(self):
        for mode in (0o644, 0o640, 0o604, 0o660, 0o666):
            self.write(self.key(), mode)
            result = self.once("--credentials-file", self.file, want_code=3)
            self.assertIn(b"is open to others", result.err)
        link = self.db.home / "link"
        self.write(self.key())
        link.symlink_to(self.file)
        result = self.once("--credentials-file", link, want_code=3)
        self.assertIn(b"is a symbolic link", result.err)
        result = self.once("--credentials-file", self.db.home, want_code=3)
        self.assertIn(b"is no regular file", result.err)
        result = self.once("--credentials-file", self.db.home / "none", want_code=3)
        self.assertIn(b"No such file", result.err)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_a_file_of_another_user_is_exit_3(self):
        self.write(self.key())
        os.chown(self.file, 12345, -1)
        result = self.once("--credentials-file", self.file, want_code=3)
        self.assertIn(b"belongs to another user", result.err)

    def test_mistakes_are_named_with_their_line(self):
        for text, said in (
            (self.key() + "nonsense\n", b"line 5: "),
            (self.key(section="other"), b"has no profile [default]"),
            (f"[default]\naccess_key_secret = {WRONG}\n", b"has no access_key_id"),
        ):
            self.write(text)
            self.assertIn(said, self.once("--credentials-file", self.file, want_code=3).err)

    def test_a_file_can_ask_for_the_role(self):
        metadata = Metadata(self)
        self.write(f"[default]\ntype = ecs_ram_role\nrole_name = {ROLE}\n")
        self.assert_key_serves("--credentials-file", str(self.file), "--metadata-url", metadata.url)

    def test_a_file_that_breaks_leaves_the_old_key(self):
        self.write(self.key())
        ingest = self.running("--credentials-file", str(self.file))
        self.send()
        self.wait_until_stored(ingest)
        self.write(self.key(), 0o644)
        ingest.send_signal(signal.SIGHUP)
        mns.wait_until(lambda: b"is open to others" in ingest.err, "the reason")
        self.send()
        self.wait_until_stored(ingest)
        self.stop(ingest)


class EnvironmentTest(CredentialsTest):
    def test_half_a_key_or_none_is_exit_3(self):
        self.once(want_code=3)
        self.once(env=self.environment(ALIBABA_CLOUD_ACCESS_KEY_ID=mns.KEY_ID), want_code=3)
        self.once(env=self.environment(ALIBABA_CLOUD_ACCESS_KEY_SECRET=mns.KEY_SECRET), want_code=3)

    def test_nobody_reads_the_key_in_proc(self):
        self.send()
        ingest = self.running(env=mns.credentials_environment(token=TOKEN))
        self.wait_until_stored(ingest)
        for name in ("environ", "cmdline"):
            try:
                with open(f"/proc/{ingest.pid}/{name}", "rb") as file:
                    self.assert_no_secret(file.read())
            except PermissionError:
                pass  # closed to us altogether: better still
        self.stop(ingest)


if __name__ == "__main__":
    harness.main()
