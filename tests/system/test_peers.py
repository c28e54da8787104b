"""The drivers of the peer databases (bench/peers) against mnsdb's own answers, on a small set.

Databases that are not installed are skipped, and the skip says why; SQLite comes with Python and is
always there. bench/peers/install installs the others.

ctest: timeout=600
"""
import csv
import datetime
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import harness

PEERS = harness.REPO / "bench" / "peers"
DRIVER_S = 300
DEVICES = 20
MESSAGES = 2000
HOUR_MS = 3600000
METRIC = "temperature"
RELATIVE = 1e-9
QUERIES = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8")
IDS_COLUMN = {"Q8": 1}
# Late offlines that the platform noticed after the next connection are among them.
FLEET = (
    "--devices", DEVICES, "--interval", "60s", "--online-time", "5m", "--offline-time", "30s", "--timeouts", "0.6",
    "--duplicates", "0.1", "--messages", MESSAGES,
)  # fmt: skip


def environment():
    env = harness.environment(MNSDB_BIN=str(harness.bin_dir()))
    if os.environ.get("MNSDB_PEERS_MODULES"):
        env["MNSDB_PEERS_MODULES"] = os.environ["MNSDB_PEERS_MODULES"]
    return env


def drive(driver, commands):
    """Runs a driver over all the commands; its answers."""
    text = "".join(json.dumps(command) + "\n" for command in commands)
    done = subprocess.run(
        [str(PEERS / driver[0]), *driver[1:]], input=text.encode(), capture_output=True, timeout=DRIVER_S,
        env=environment(),
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(commands):
        raise AssertionError(f"{driver}: exit {done.returncode}, {len(answers)} answers to {len(commands)}: "
                             f"{done.stderr[-2000:]!r}")  # fmt: skip
    return answers


# --- mnsdb's answers -----------------------------------------------------------------------------


def to_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def ask(store, *words):
    done = harness.run("mnsdb", "--db", store, *words, "--format", "json", "--tz", "UTC")
    assert done.code == 0, done
    return json.loads(done.out)


def three(row):
    return [row[f"{METRIC}_{of}"] for of in ("avg", "min", "max")]


class Expected:
    """A recorded set, and what mnsdb says of it."""

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-test-peers-"))
        self.set = self.home / "set.ndjson"
        store = self.home / "store"
        assert harness.run("mnsdb-fleet", *FLEET, "-o", self.set).code == 0
        done = harness.run("mnsdb-ingest", "--db", store, "--summary", "json", self.set)
        self.summary = json.loads(done.out)
        info = ask(store, "info")
        middle_ms = (to_ms(info["first_time"]) + to_ms(info["last_time"])) // 2
        self.from_ms = middle_ms // HOUR_MS * HOUR_MS
        self.until_ms = self.from_ms + HOUR_MS
        self.device = ask(store, "devices")[DEVICES // 2]["device"]
        self.online = ask(store, "online")
        self.answers = self.ask_all(store)
        keeping = ask(store, "online", "--keep-stale")
        self.answers_without_ids = {**self.answers, "Q7": [self.durations(row) for row in keeping]}

    @staticmethod
    def durations(row):
        return [row["device"], row["online_ms"], row["offline_ms"], row["sessions"]]

    def ask_all(self, store):
        stats = ("stats", "--agg", "avg,min,max", METRIC)
        of_device = ("--device", self.device)
        hour = ("--from", f"@{self.from_ms}", "--to", f"@{self.until_ms}")
        last = ask(store, "last", METRIC, *of_device)
        return {
            "Q1": [three(row) for row in ask(store, *stats)],
            "Q2": [[row["device"], *three(row)] for row in ask(store, *stats, "--by", "device")],
            "Q3": [[to_ms(row["time"]), *three(row)] for row in ask(store, *stats, "--every", "1h", *of_device)],
            "Q4": [[to_ms(row["time"]), *three(row)] for row in ask(store, *stats, "--every", "1h")],
            "Q5": [[to_ms(row[f"{METRIC}_time"]), row[METRIC]] for row in last],
            "Q6": [[row[f"{METRIC}_p95"]] for row in ask(store, "stats", "--agg", "p95", METRIC)],
            "Q7": [self.durations(row) for row in self.online],
            "Q8": [[to_ms(row["time"]), row["messageid"], row.get("humidity"), row.get("temperature")]
                   for row in ask(store, "log", *of_device, *hour)],
        }  # fmt: skip

    def command(self, name):
        return {"do": "query", "name": name, "device": self.device, "metric": METRIC, "from_ms": self.from_ms,
                "until_ms": self.until_ms, "answer": True}  # fmt: skip


EXPECTED = None


def setUpModule():
    global EXPECTED
    EXPECTED = Expected()


def tearDownModule():
    shutil.rmtree(EXPECTED.home, ignore_errors=True)


# --- comparing -----------------------------------------------------------------------------------


def same(got, want):
    if isinstance(got, float) or isinstance(want, float):
        return got is not None and want is not None and math.isclose(got, want, rel_tol=RELATIVE)
    return got == want


def same_row(got, want):
    return len(got) == len(want) and all(same(g, w) for g, w in zip(got, want))


def without_ids(name, rows):
    column = IDS_COLUMN.get(name)
    return [[None if i == column else value for i, value in enumerate(row)] for row in rows]


class Set(unittest.TestCase):
    def test_the_set_holds_what_tells_the_systems_apart(self):
        self.assertGreater(EXPECTED.summary["duplicates"], 50)
        self.assertGreater(sum(row["stale"] for row in EXPECTED.online), 0)
        self.assertGreater(sum(row["sessions"] for row in EXPECTED.online), DEVICES)
        self.assertGreater(len(EXPECTED.answers["Q3"]), 1)
        self.assertGreater(len(EXPECTED.answers["Q8"]), 10)


class Rows(unittest.TestCase):
    """mnsdb-peer-rows"""

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-test-peers-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def convert(self, data, *options):
        path = self.home / "set.ndjson"
        path.write_bytes(data)
        done = harness.run("mnsdb-peer-rows", *options, "-o", self.home, path)
        self.assertEqual(done.code, 0, done)
        return json.loads(done.out)

    def table(self, name):
        with open(self.home / name, newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    def test_every_delivery_becomes_a_row(self):
        data = EXPECTED.set.read_bytes()
        told = self.convert(data)
        events = data.count(b'"messagetype":"status"')
        self.assertEqual(told["messages"], MESSAGES)
        self.assertEqual((told["rejected"], told["status_events"]), (0, events))
        self.assertEqual(len(self.table("readings.csv")), MESSAGES - events)
        self.assertEqual(len(self.table("status.csv")), events)

    def test_rows_come_in_order_of_arrival_with_their_digits(self):
        readings = [
            harness.envelope("upload", '{"humidity":66.30,"temperature":20.05}', 1741610223959076864, 1704067209, "/p/b/x"),
            harness.envelope("upload", '{"temperature":-3}', 1741610223959076865, 1704067209, '/p/a"a,/x'),
            b"{",
            harness.envelope("upload", '{"noise":1}', 1741610223959076866, 1704067209, "/p/c/x"),
        ]  # fmt: skip
        told = self.convert(harness.lines(readings))
        self.assertEqual(told["rejected"], 1)
        time_ms = "1704067209602"
        self.assertEqual(
            self.table("readings.csv"),
            [
                ["p/b", time_ms, "1741610223959076864", "20.05", "66.3"],
                ['p/a"a,', time_ms, "1741610223959076865", "-3", ""],
                ["p/c", time_ms, "1741610223959076866", "", ""],
            ],
        )

    def test_line_protocol_escapes_names_and_leaves_out_rows_without_values(self):
        event = ('{"lastTime":"2024-01-01 07:59:59.986","time":"2024-01-01 08:00:00.000","productKey":"p",'
                 '"deviceName":"a","status":"online"}')  # fmt: skip
        self.convert(
            harness.lines(
                [
                    harness.envelope("status", event, 1741610183685066752, 1704067200),
                    harness.envelope("upload", '{"temperature":1.5}', 1741610223959076865, 1704067209, "/p/a a,=/x"),
                    harness.envelope("upload", '{"noise":1}', 1741610223959076866, 1704067209, "/p/c/x"),
                ]
            ),
            "--lines",
        )
        self.assertEqual(
            (self.home / "rows.lines").read_text(),
            "status,device=p/a state=1i,contact_ms=1704067199986i 1704067200000\n"
            "reading,device=p/a\\ a\\,\\= temperature=1.5 1704067209602\n",
        )


class Servers(unittest.TestCase):
    def test_a_connection_that_the_server_closed_while_idle_is_made_again(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        accepted = []

        def serve():  # one answer a connection, then it is gone without a word
            for _ in range(2):
                connection, _ = listener.accept()
                accepted.append(connection)
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        program = (
            "import sys\n"
            f"sys.path.insert(0, {str(PEERS)!r})\n"
            "import line_server\n"
            "server = line_server.LineServer()\n"
            f"server.port = {listener.getsockname()[1]}\n"
            "print(server.request('GET', '/a'), server.request('GET', '/b'))\n"
        )
        done = subprocess.run(["python3", "-B", "-c", program], capture_output=True, timeout=DRIVER_S)
        thread.join(DRIVER_S)
        self.assertEqual(done.stdout.decode().split(), ["b'ok'", "b'ok'"], done.stderr)
        self.assertEqual(len(accepted), 2)

    def test_a_server_does_not_outlive_a_driver_that_is_killed(self):
        with tempfile.TemporaryDirectory() as home:
            program = (
                "import os, signal, sys\n"
                f"sys.path.insert(0, {str(PEERS)!r})\n"
                "import protocol\n"
                f"server = protocol.start_server(['sleep', '600'], {str(Path(home) / 'log')!r})\n"
                "print(server.pid, flush=True)\n"
                "os.kill(os.getpid(), signal.SIGKILL)\n"
            )
            done = subprocess.run(["python3", "-B", "-c", program], capture_output=True, timeout=DRIVER_S)
            self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
            server = int(done.stdout)
            try:
                deadline = time.monotonic() + 60
                while is_running(server) and time.monotonic() < deadline:
                    time.sleep(0.01)
                self.assertFalse(is_running(server))
            finally:
                if is_running(server):
                    os.kill(server, signal.SIGKILL)


def is_running(process):
    """A process that has ended may wait to be reaped by whoever took it over."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Cases:
    """What every driver does; `driver` is its command line."""

    driver = ()

    @classmethod
    def setUpClass(cls):
        if harness.SANITIZED and cls.driver != ("sqlite",):
            raise unittest.SkipTest("the drivers are the same in every build")
        cls.about = drive(cls.driver, [{"do": "describe"}])[0]
        if not cls.about["available"]:
            raise unittest.SkipTest(f"{cls.about['name']}: {cls.about['why']}")

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-test-peers-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.where = {"set": str(EXPECTED.set), "dir": str(self.home)}

    def drive(self, *commands):
        return drive(self.driver, commands)

    def check_answer(self, name, got, state):
        if "unsupported" in got:
            self.assertEqual((name, self.about["ids"]), ("Q6", False), got)
            return
        self.assertIn("answer", got, f"{name}, {state}")
        want = EXPECTED.answers[name]
        if not self.about["ids"]:
            if "differs" in got:
                want = EXPECTED.answers_without_ids[name]
            want = without_ids(name, want)
        self.assertGreaterEqual(got["ms"], 0)
        self.assertEqual(got["rows"], len(want), f"{name}, {state}")
        for got_row, want_row in zip(got["answer"], want):
            self.assertTrue(same_row(got_row, want_row), f"{name}, {state}: {got_row} is not {want_row}")

    def test_it_answers_as_mnsdb_does_loaded_compacted_and_reopened(self):
        queries = [EXPECTED.command(name) for name in QUERIES]
        answers = self.drive(
            {"do": "prepare", **self.where}, {"do": "load", **self.where}, *queries,
            {"do": "compact"}, *queries, {"do": "cold"}, *queries, {"do": "quit"},
        )  # fmt: skip
        prepared, loaded = answers[:2]
        self.assertEqual(prepared, {})
        self.assertEqual(loaded.get("messages"), MESSAGES, loaded)
        self.assertGreater(loaded["seconds"], 0)
        self.assertGreater(loaded["bytes"], 0)
        compacted = answers[2 + len(QUERIES)]
        self.assertGreater(compacted.get("bytes", 0), 0, compacted)
        for i, state in enumerate(("loaded", "compacted", "reopened")):
            at = 2 + i * (len(QUERIES) + 1)
            for name, answer in zip(QUERIES, answers[at : at + len(QUERIES)]):
                with self.subTest(query=name, state=state):
                    self.check_answer(name, answer, state)

    def test_it_says_what_it_is_and_goes_on_after_an_error(self):
        for member in ("name", "form", "version", "durability", "input"):
            self.assertTrue(self.about[member], member)
        unknown, again = self.drive({"do": "dance"}, {"do": "describe"})
        self.assertIn("error", unknown)
        self.assertEqual(again, self.about)

    def test_a_second_load_begins_with_nothing(self):
        count = [EXPECTED.command("Q2")]
        answers = self.drive(
            {"do": "prepare", **self.where}, {"do": "load", **self.where}, {"do": "load", **self.where}, *count,
        )  # fmt: skip
        self.check_answer("Q2", answers[3], "loaded again")

    def end_by_signal(self, *unanswered):
        with subprocess.Popen(
            [str(PEERS / self.driver[0]), *self.driver[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment(),
        ) as process:  # fmt: skip
            try:
                for command in ({"do": "prepare", **self.where}, {"do": "load", **self.where}):
                    process.stdin.write((json.dumps(command) + "\n").encode())
                    process.stdin.flush()
                    self.assertNotIn("error", json.loads(process.stdout.readline()))
                for command in unanswered:
                    process.stdin.write((json.dumps(command) + "\n").encode())
                process.stdin.flush()
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(DRIVER_S), 0)
            finally:
                process.kill()
        self.assertEqual(self.left_over(), [])

    def test_nothing_goes_on_after_a_signal(self):
        self.end_by_signal()

    def test_nothing_goes_on_after_a_signal_while_busy(self):
        self.end_by_signal({"do": "load", **self.where}, {"do": "compact"})

    def left_over(self):
        """Processes whose command line names the directory."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue
            if os.fsencode(self.home) in line:
                found.append(line)
        return found


class DuckdbBulk(Cases, unittest.TestCase):
    driver = ("duckdb", "bulk")


class DuckdbBatches(Cases, unittest.TestCase):
    driver = ("duckdb", "batches")


class Clickhouse(Cases, unittest.TestCase):
    driver = ("clickhouse",)


class Sqlite(Cases, unittest.TestCase):
    driver = ("sqlite",)


class Postgresql(Cases, unittest.TestCase):
    driver = ("postgresql",)

    def test_it_works_below_a_directory_that_is_nobody_elses(self):
        inner = self.home / "inner"
        inner.mkdir(mode=0o700)
        where = {**self.where, "dir": str(inner)}
        loaded = self.drive({"do": "prepare", **where}, {"do": "load", **where})[1]
        self.assertNotIn("error", loaded)
        self.assertEqual([path.stat().st_mode & 0o777 for path in (self.home, inner)], [0o700, 0o700])


class Victoriametrics(Cases, unittest.TestCase):
    driver = ("victoriametrics",)


class Influxdb(Cases, unittest.TestCase):
    driver = ("influxdb",)


if __name__ == "__main__":
    harness.main()
