#!/usr/bin/env python3
"""Settings of mnsdb-ingest as users meet them: files, environment, options, and what --check-config shows."""
import os
import pty
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import bin_dir, check_clean_end, environment, run, Result

URL = "https://1234.mns.cn-shanghai.aliyuncs.com/queues/iot-a1"
KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tCanaryId99", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "CANARYsecret5678"}

# Everything, when nothing is set and standard error is a pipe.
DEFAULTS = """\
setting\tvalue\torigin
config\t/etc/mnsdb/ingest.conf, ~/.config/mnsdb/ingest.conf\tdefault
db\t./mnsdb-store\tdefault
payload-tz\tthe store's, +08:00 for a new one\tdefault
time-field\tthe store's, time,timestamp,ts for a new one\tdefault
threads\tone for each CPU, at most 8\tdefault
retry-rejects\tno\tdefault
settle\tno\tdefault
queue\t\tdefault
once\tno\tdefault
dry-run\tno\tdefault
print\tno\tdefault
queue-status\tno\tdefault
record\t\tdefault
record-max-size\t256M\tdefault
credentials-file\t\tdefault
credentials-profile\tdefault\tdefault
ecs-role\t\tdefault
metadata-url\thttp://100.100.100.200\tdefault
metadata-v2-only\tno\tdefault
insecure-http\tno\tdefault
ca-file\tthe system's\tdefault
wait\t20s\tdefault
receives\t8\tdefault
commit-window\t250ms\tdefault
commit-messages\t1024\tdefault
in-flight\t3072\tdefault
drain\t20s\tdefault
listen\tno endpoint\tdefault
log-format\ttext on a terminal, else logfmt\tdefault
log-level\tinfo\tdefault
summary\ta line on standard error\tdefault
no-progress\tno\tdefault
"""


class Config(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-config-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.file = self.home / "ingest.conf"
        self.file.write_text("# nothing\n")

    def env(self, **more):
        env = environment(HOME=str(self.home), **more)
        for name in list(env):
            if name.startswith(("ALIBABA_", "MNS_", "XDG_")) and name not in more:
                del env[name]
        return env

    def ingest(self, *args, code, **env):
        result = run("mnsdb-ingest", *args, env=self.env(**env), cwd=self.home)
        self.assertEqual(result.code, code, result)
        return result

    def check(self, *args, code=0, **env):
        """The rows of --check-config, as {setting: [(value, origin), ...]}, and the whole result."""
        result = self.ingest("--check-config", *args, code=code, **env)
        rows = {}
        for line in result.out.decode().splitlines()[1:]:
            name, value, origin = line.split("\t")
            rows.setdefault(name, []).append((value, origin))
        return rows, result


class CheckConfig(Config):
    def test_without_any_setting_it_shows_the_defaults(self):
        result = self.ingest("--check-config", "--config", self.file, code=0)
        want = DEFAULTS.replace(
            "config\t/etc/mnsdb/ingest.conf, ~/.config/mnsdb/ingest.conf\tdefault",
            f"config\t{self.file}\t--config")
        self.assertEqual(result.out.decode(), want)
        self.assertEqual(result.err, b"")

    def test_each_value_has_its_origin(self):
        self.file.write_text(f"log-level = debug\n\nqueue = {URL}\nqueue = {URL}2\nin-flight = 100\nwait = 5s\n")
        rows, _ = self.check("--config", self.file, "--receives", "3", MNSDB_DB="/x", MNSDB_INGEST_WAIT="7s", **KEY)
        self.assertEqual(rows["log-level"], [("debug", f"{self.file}:1")])
        self.assertEqual(rows["queue"], [(URL, f"{self.file}:3"), (URL + "2", f"{self.file}:4")])
        self.assertEqual(rows["in-flight"], [("100", f"{self.file}:5")])
        self.assertEqual(rows["wait"], [("7s", "environment MNSDB_INGEST_WAIT")])
        self.assertEqual(rows["db"], [("/x", "environment MNSDB_DB")])
        self.assertEqual(rows["receives"], [("3", "--receives")])
        self.assertEqual(rows["drain"], [("20s", "default")])

    def test_the_access_key_is_masked_and_its_secret_nowhere(self):
        rows, result = self.check(MNS_QUEUE_URL=URL, **KEY)
        ((value, origin),) = rows["(access key)"]
        self.assertEqual(value, "LTAI****")
        self.assertIn("environment", origin)
        for text in (result.out, result.err):
            self.assertNotIn(b"Canary", text)
            self.assertNotIn(b"CANARY", text)

    def test_a_queue_without_an_access_key_is_exit_3(self):
        rows, result = self.check(MNS_QUEUE_URL=URL, code=3)
        self.assertEqual(rows["(access key)"], [("", "none")])
        self.assertTrue(result.err.strip())

    def test_every_problem_is_told(self):
        _, result = self.check("--ca-file", "/nowhere/ca.pem", "--payload-tz", "Mars/Base", MNS_QUEUE_URL=URL, code=3)
        self.assertIn(b"/nowhere/ca.pem", result.err)
        self.assertIn(b"Mars/Base", result.err)
        self.assertIn(b"ALIBABA_CLOUD_ACCESS_KEY_ID", result.err)

    def test_user_information_of_addresses_is_never_shown(self):
        secret = "https://me:CANARYpass@example.com/queues/a"
        for args, env in (((), {"MNS_QUEUE_URL": secret}), (("--queue", secret), {})):
            result = self.ingest("--check-config", *args, code=2 if args else 3, **env, **KEY)
            self.assertNotIn(b"CANARY", result.out + result.err)
        _, result = self.check("--metadata-url", "http://me:CANARYpass@127.0.0.1:1/", MNS_QUEUE_URL=URL, **KEY)
        self.assertNotIn(b"CANARY", result.out + result.err)
        self.assertIn(b"http://***@127.0.0.1:1/", result.out)

    def test_values_cannot_break_the_columns(self):
        rows, _ = self.check("--db", "a\tb\nc\x1b[2J")
        ((value, _),) = rows["db"]
        self.assertEqual(value, "a\\tb\\nc\\x1b[2J")

    def test_a_terminal_gets_an_aligned_table(self):
        main, other = pty.openpty()
        try:
            done = subprocess.run([str(bin_dir() / "mnsdb-ingest"), "--check-config"], stdout=other,
                                  stderr=subprocess.PIPE, env=self.env(), timeout=60)
            os.close(other)
            other = -1
            text = b""
            while True:
                try:
                    piece = os.read(main, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                text += piece
        finally:
            os.close(main)
            if other >= 0:
                os.close(other)
        check_clean_end(Result(["--check-config"], done.returncode, text, done.stderr))
        self.assertEqual(done.returncode, 0)
        lines = text.decode().replace("\r\n", "\n").splitlines()
        column = lines[0].index("origin")
        self.assertTrue(all(line[column - 1] == " " and line[column] != " " for line in lines), lines)
        self.assertNotIn("\t", text.decode())


class Layers(Config):
    def test_the_users_file_is_found_and_a_broken_one_is_exit_3(self):
        folder = self.home / ".config" / "mnsdb"
        folder.mkdir(parents=True)
        (folder / "ingest.conf").write_text("receives = 3\n")
        rows, _ = self.check()
        self.assertEqual(rows["receives"], [("3", f"{folder}/ingest.conf:1")])
        elsewhere = self.home / "xdg" / "mnsdb"
        elsewhere.mkdir(parents=True)
        (elsewhere / "ingest.conf").write_text("receives = 4\n")
        rows, _ = self.check(XDG_CONFIG_HOME=str(self.home / "xdg"))
        self.assertEqual(rows["receives"], [("4", f"{elsewhere}/ingest.conf:1")])
        (folder / "ingest.conf").write_text("\nrecieves = 3\n")
        result = self.ingest("--check-config", code=3)
        self.assertIn(f"{folder}/ingest.conf:2: unknown setting 'recieves'; did you mean 'receives'?",
                      result.err.decode())

    def test_a_file_works_for_recorded_sets_too(self):
        self.file.write_text(f"db = {self.home}/store\nsummary = json\nqueue = {URL}\n")
        (self.home / "set").write_text('{"messageid":7}\n')
        result = self.ingest("--config", self.file, "set", code=0)
        self.assertTrue(result.out.startswith(b'{"received":1,'), result)
        self.assertTrue((self.home / "store" / "data.mdb").exists())

    def test_a_setting_of_a_file_that_contradicts_the_store_is_exit_3(self):
        (self.home / "set").write_text('{"messageid":7}\n')
        self.ingest("--db", "store", "set", code=0)
        self.file.write_text("payload-tz = +09:00\n")
        result = self.ingest("--db", "store", "--config", self.file, "set", code=3)
        self.assertIn(b"payload-tz", result.err)

    def test_a_mistake_in_a_file_is_exit_3_and_on_the_line_exit_2(self):
        self.file.write_text("payload-tz = Mars/Base\n")
        result = self.ingest("--db", "store", "--config", self.file, "-", code=3)
        self.assertIn(f"{self.file}:1: payload-tz", result.err.decode())
        result = self.ingest("--db", "store", "--payload-tz", "Mars/Base", "-", code=2)
        self.assertIn("--payload-tz", result.err.decode())
        self.assertFalse((self.home / "store").exists())

    def test_an_unknown_variable_of_ours_is_a_warning(self):
        result = self.ingest("--check-config", code=0, MNSDB_INGEST_IN_FLIHGT="7")
        self.assertIn(b"warning: environment MNSDB_INGEST_IN_FLIHGT", result.err)
        self.assertIn(b"did you mean 'in-flight'", result.err)

    def test_a_secret_in_a_file_is_refused_unseen(self):
        self.file.write_text("access-key-secret = CANARYsecret\n")
        result = self.ingest("--config", self.file, "-", code=3)
        self.assertIn(f"{self.file}:1: 'access-key-secret' is not read from here", result.err.decode())
        self.assertNotIn(b"CANARY", result.err)


class Refusals(Config):
    def test_http_is_for_loopback(self):
        for url in ("http://example.com/queues/a", "http://192.0.2.1:80/queues/a", "http://127.0.0.1.example.com/queues/a"):
            with self.subTest(url):
                result = self.ingest("--queue", url, "--once", code=3)
                self.assertIn(b"--insecure-http", result.err)

    def test_what_does_not_go_together_is_exit_2(self):
        for args in (("set", "--queue", URL), ("--settle", "--queue", URL), ("--dry-run",), ("--once", "set"),
                     ("--queue-status", "--print", "--queue", URL), ("--queue",), ("--in-flight", "9", "--queue", URL)):
            with self.subTest(args):
                result = self.ingest(*args, code=2)
                self.assertTrue(result.err.strip())
        self.assertEqual(list(self.home.iterdir()), [self.file])


if __name__ == "__main__":
    unittest.main()
