"""Public clients of the protocol, which nobody here wrote, against the local queue: their whole cycle,
and what each of them sends arrives through ingest.

They are installed from the npm registry once, as tests/npm/package-lock.json names them, into
build/npm-clients ($MNSDB_NPM_DIR: elsewhere). Without npm or a registry the tests are skipped, and
say so.

ctest: release-only timeout=600
"""
import base64
import fcntl
import functools
import hashlib
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import harness
import mns

SCRIPTS = harness.TESTS / "npm"
INSTALL_S = 150
NODE_S = 120
STEPS = (
    "create", "attributes", "list", "send", "peek", "receive", "visibility", "delete", "batch send",
    "batch peek", "batch receive", "batch delete", "refused", "delete queue", "end",
)  # fmt: skip


class Missing(Exception):
    """The clients cannot be had here; the text says why."""


def folder():
    where = harness.os.environ.get("MNSDB_NPM_DIR")
    return Path(where) if where else harness.REPO / "build" / "npm-clients"


def npm(where, *args):
    try:
        done = subprocess.run(
            ["npm", *args, "--no-audit", "--no-fund", "--no-update-notifier"], cwd=where, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=INSTALL_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Missing(f"npm {args[0]} takes more than {INSTALL_S} s") from None
    if done.returncode != 0:
        text = done.stderr.decode("utf-8", "replace")
        errors = [line for line in text.splitlines() if line.startswith("npm error")]
        raise Missing(f"npm {args[0]}: {'; '.join(errors)[:300] or text[-300:]}")


def install(where):
    stamp = where / "installed"
    wanted = hashlib.sha256((SCRIPTS / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SCRIPTS / name, where / name)
    npm(where, "ci", "--ignore-scripts")
    stamp.write_text(wanted)


@functools.cache
def missing():
    """Why the clients cannot be had, found out once; None if they can."""
    try:
        clients()
    except Missing as why:
        return str(why)
    return None


def clients():
    """Installs them if need be; two tests never do so at the same time."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Missing(f"there is no {program}")
    where = folder()
    where.mkdir(parents=True, exist_ok=True)
    with open(where / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(where)


def loads_expat(where):
    command = ["node", "-e", "require('node-expat')"]
    env = harness.environment(NODE_PATH=str(where / "node_modules"))
    return subprocess.run(command, env=env, capture_output=True, timeout=NODE_S).returncode == 0


def build_expat(where):
    """aliyun-mns parses with a library that is compiled on the spot: its package holds another machine's."""
    with open(where / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not loads_expat(where):
            npm(where, "rebuild", "node-expat")
        if not loads_expat(where):
            raise Missing("node-expat was not built")


def skip_loudly(reason):
    print(f"SKIPPED: the clients from npm: {reason}", file=sys.stderr, flush=True)
    raise unittest.SkipTest(f"SKIPPED: {reason}")


def message_lines():
    lines = [
        harness.reading(f"npm/d{i % 3}", {"v": i, "t": f"{i}.50"}, harness.snowflake(1600000000000 + i), 1600000000)
        for i in range(37)
    ]
    lines.append(harness.status("npm/d0", "online", harness.snowflake(1600000001000), 1600000001))
    lines += [lines[4], b'{"no": "message id"}', b'{"messageid":5,"messagetype":"\xe6\xb8\xa9"}']
    return lines


class Cases:
    """What is asked of every client."""

    script = None
    encodes = False  # the client itself turns bodies into base64

    @classmethod
    def prepare(cls, where):
        pass

    @classmethod
    def setUpClass(cls):
        if missing():
            skip_loudly(missing())
        cls.where = folder()
        try:
            cls.prepare(cls.where)
        except Missing as why:
            skip_loudly(why)

    def setUp(self):
        self.queue = mns.LocalQueue(self)

    def node_environment(self):
        env = {k: v for k, v in harness.environment().items() if not k.lower().endswith("_proxy")}
        env.update(
            NODE_PATH=str(self.where / "node_modules"), NO_PROXY="127.0.0.1", MNS_ENDPOINT=self.queue.endpoint,
            MNS_KEY_ID=self.queue.key_id, MNS_KEY_SECRET=self.queue.secret,
        )  # fmt: skip
        return env

    def node(self, *args):
        command = ["node", "--no-deprecation", str(SCRIPTS / self.script), *map(str, args)]
        done = subprocess.run(command, capture_output=True, env=self.node_environment(), timeout=NODE_S)
        steps = done.stdout.decode().splitlines()
        if done.returncode != 0:
            raise AssertionError(f"{self.script}, after {steps}: {done.stderr.decode()[-3000:]}")
        return steps

    def test_the_whole_life_of_a_queue(self):
        self.assertEqual(self.node("cycle", "iot-a1"), list(STEPS))

    def test_what_it_sends_arrives_through_ingest(self):
        db = harness.Db(self)
        lines = message_lines()
        sent = lines
        if not self.encodes:
            sent = [base64.b64encode(line) if i % 2 else line for i, line in enumerate(lines)]
        client = self.queue.client()
        self.addCleanup(client.close)
        client.create("iot-a1")
        self.assertEqual(self.node("send", "iot-a1", db.file(harness.lines(sent), "bodies")), ["end"])
        self.assertEqual(sum(client.counts("iot-a1")), len(lines))
        result = harness.run(
            "mnsdb-ingest", "--db", db.path, "--queue", self.queue.url("iot-a1"), "--once", "--summary", "json",
            env=mns.credentials_environment(),
        )  # fmt: skip
        self.assertEqual(result.code, 0, result)
        summary = harness.parse_json(result.out.splitlines()[-1])
        wanted = db.oracle.ingest(harness.lines(base64.b64encode(line) for line in lines) if self.encodes
                                  else harness.lines(sent))  # fmt: skip
        for field in ("received", "stored", "duplicates", "rejected"):
            self.assertEqual(str(summary[field]), str(wanted[field]), field)
        self.assertEqual(sum(client.counts("iot-a1")), 0)
        db.check_info()
        db.check_log()
        rejects = sorted((r["reason"], r["body"]) for r in db.query("rejects"))
        kept = sorted((r.reason, base64.b64encode(r.body).decode()) for r in db.oracle.rejects)
        self.assertEqual(rejects, kept)


class Alicloud(Cases, unittest.TestCase):
    """@alicloud/mns, the vendor's."""

    script = "alicloud.js"


class AliMns(Cases, unittest.TestCase):
    """ali-mns knows the cloud's hosts only: the local queue is its proxy."""

    script = "ali-mns.js"
    encodes = True

    def node_environment(self):
        env = super().node_environment()
        del env["NO_PROXY"]
        return env | {"http_proxy": self.queue.endpoint}


class AliyunMns(Cases, unittest.TestCase):
    """aliyun-mns"""

    script = "aliyun-mns.js"

    @classmethod
    def prepare(cls, where):
        build_expat(where)


if __name__ == "__main__":
    harness.main()
