"""What every system test uses: the programs, temporary stores, comparing, and random messages.

The programs are those in $MNSDB_BIN. Random histories are the same every time; $MNSDB_TEST_SEED
chooses others ("random": new ones; the seed is printed at the start and in every failure).
$MNSDB_TEST_LONG=1 takes the long way where a test has one.
Recordings come from $MNSDB_RECORDED, else from the folder shared/recorded beside the repository.
"""
import base64
import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from fractions import Fraction
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
REPO = TESTS.parent
sys.path.insert(0, str(TESTS))
sys.dont_write_bytecode = True

from oracle import answers, clock, number  # noqa: E402
from oracle.answers import Near, Selection, Time  # noqa: E402,F401
from oracle.decode import SNOWFLAKE_EPOCH_MS, Options  # noqa: E402,F401
from oracle.stats import Exact, Loose  # noqa: E402
from oracle.store import Store  # noqa: E402
from oracle.strict_json import Num  # noqa: E402

# The same histories every time, so that a failure is of the change at hand; "random" explores.
SEED_DEFAULT = 20180516
SEED = os.environ.get("MNSDB_TEST_SEED") or SEED_DEFAULT
SEED = random.SystemRandom().randrange(1 << 32) if SEED == "random" else int(SEED)
# Programs under sanitizers are several times slower: tests take smaller samples of the same kind.
SANITIZED = bool(os.environ.get("MNSDB_SANITIZE"))
LONG = os.environ.get("MNSDB_TEST_LONG") == "1"
TIMEOUT_S = 240
SANITIZER_MARKS = (b"AddressSanitizer", b"LeakSanitizer", b"ThreadSanitizer", b"runtime error:")


def bin_dir():
    where = os.environ.get("MNSDB_BIN")
    if where:
        return Path(where).resolve()  # tests change the working directory
    built = sorted(REPO.glob("build/*/bin/mnsdb"))
    if not built:
        sys.exit("no programs: set MNSDB_BIN to the directory that holds mnsdb and mnsdb-ingest")
    return built[0].parent


def rng_for(name):
    """A generator of its own for each test, so that tests do not disturb each other."""
    return random.Random(f"{SEED}/{name}")


# --- running programs --------------------------------------------------------------------------


# What the host's user has set must not matter: programs' settings, the terminal, languages.
HOSTS_OWN = re.compile(r"(MNSDB|XDG|LC)_.*|LANG(UAGE)?|NO_COLOR|COLUMNS|LINES")
NO_HOME = "/nonexistent/home"


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not HOSTS_OWN.fullmatch(k)}
    # Nor its zone, nor the files in its home.
    ours = {"TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8", "HOME": NO_HOME}
    return {**env, **ours, **more}


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def __repr__(self):
        line = " ".join(str(a) for a in self.args)
        return f"$ {line[:2000]}\nexit {self.code}\nstdout: {self.out[:1500]!r}\nstderr: {self.err[:3000]!r}"


def run(program, *args, stdin=b"", env=None, cwd=None, signals=False):
    """Runs a program to its end. Dying by a signal or a sanitizer's report is always a failure."""
    command = [str(bin_dir() / program), *map(str, args)]
    where = {"stdin": stdin} if hasattr(stdin, "fileno") else {"input": stdin}
    done = subprocess.run(
        command, capture_output=True, timeout=TIMEOUT_S, env=env or environment(), cwd=cwd, **where
    )
    result = Result(command, done.returncode, done.stdout, done.stderr)
    check_clean_end(result, signals)
    return result


def check_clean_end(result, signals=False):
    if any(mark in result.err for mark in SANITIZER_MARKS):
        raise AssertionError(f"a sanitizer reports\n{result!r}\n{result.err.decode('utf-8', 'replace')}")
    if result.code < 0 and not signals:
        raise AssertionError(f"died by {signal.Signals(-result.code).name}\n{result!r}")


def parse_json(data):
    """JSON with the text of numbers kept and equal keys refused."""

    def pairs(members):
        out = dict(members)
        if len(out) != len(members):
            raise AssertionError(f"equal keys in one object: {members}")
        return out

    return json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_int=Num, parse_float=Num)


class Db:
    """A store in a directory of its own, with the oracle's copy beside it."""

    def __init__(self, test, options=Options(), decoded=None):
        self.test = test
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-test-"))
        at_end = test.addClassCleanup if isinstance(test, type) else test.addCleanup
        at_end(shutil.rmtree, self.home, ignore_errors=True)
        self.path = self.home / "store"
        self.oracle = Store(options, decoded)
        self.args = []
        if options.payload_tz != Options().payload_tz:
            self.args += ["--payload-tz", options.payload_tz]
        if options.time_fields != Options().time_fields:
            self.args += ["--time-field", ",".join(options.time_fields) or "none"]

    def file(self, data, name="set.ndjson"):
        path = self.home / name
        path.write_bytes(data)
        return path

    def ingest_files(self, *paths, stdin=b"", want_code=0):
        result = run("mnsdb-ingest", "--db", self.path, *self.args, "--summary", "json", *paths, stdin=stdin)
        if result.code != want_code:
            raise AssertionError(f"exit {want_code} expected\n{result!r}")
        return parse_json(result.out)

    def ingest(self, data, name="set.ndjson", oracle=True, **kw):
        """Takes a recorded set in and compares the summary with the oracle's."""
        got = self.ingest_files(self.file(data, name), **kw)
        if oracle:
            check_summary(got, self.oracle.ingest(data))
        return got

    def query(self, command, *args, want_code=0, env=None):
        """Rows of `--format json`, keys in their order."""
        result = self.run(command, *args, "--format", "json", env=env)
        if result.code != want_code:
            raise AssertionError(f"exit {want_code} expected\n{result!r}")
        try:
            rows = parse_json(result.out)
        except ValueError as e:
            raise AssertionError(f"no JSON: {e}\n{result!r}") from None
        if command == "info":
            return rows
        if not isinstance(rows, list):
            raise AssertionError(f"one array expected\n{result!r}")
        return rows

    def run(self, command, *args, **kw):
        return run("mnsdb", command, "--db", self.path, *args, **kw)

    # Commands side by side with the oracle.

    def check(self, want, command, *args, zone="UTC", loose_keys=False):
        got = self.query(command, *args)
        compare_rows(got, want, f"mnsdb {command} {' '.join(map(str, args))[:1000]}", zone, loose_keys)
        return got

    def check_stats(self, metrics=(), aggs=answers.DEFAULT_AGGS, sel=answers.ALL, every=None, by=None,
                    fill="none", zone="UTC"):  # fmt: skip
        args = [*metrics, *sel_args(sel), "--agg", ",".join(aggs)]
        args += ["--every", every] if every else []
        args += ["--by", by] if by else []
        args += ["--fill", fill] if fill != "none" else []
        args += ["--tz", zone] if zone != "UTC" else []
        args += ["--threads", "3"] if len(args) % 2 else []  # answers do not depend on how many read
        want = answers.stats_rows(self.oracle, metrics, aggs, sel, every, by, fill, zone)
        return self.check(want, "stats", *args, zone=zone)

    def check_online(self, sel=answers.ALL, every=None, by="device", keep_stale=False,
                     offline_at="time", zone="UTC"):  # fmt: skip
        args = [*sel_args(sel), *(["--every", every] if every else []), *stale_args(keep_stale, offline_at)]
        args += ["--by", by] if by != "device" else []
        args += ["--tz", zone] if zone != "UTC" else []
        want = answers.online_rows(self.oracle, sel, every, by, keep_stale, offline_at, zone)
        return self.check(want, "online", *args, zone=zone)

    def check_sessions(self, sel=answers.ALL, keep_stale=False, offline_at="time"):
        args = [*sel_args(sel), *stale_args(keep_stale, offline_at)]
        return self.check(answers.session_rows(self.oracle, sel, keep_stale, offline_at), "sessions", *args)

    def check_log(self, sel=answers.ALL):
        return self.check(answers.log_rows(self.oracle, sel), "log", *sel_args(sel), loose_keys=True)

    def check_last(self, metrics=(), sel=answers.ALL):
        want = answers.last_rows(self.oracle, metrics, sel)
        return self.check(want, "last", *metrics, *sel_args(sel), loose_keys=not metrics)

    def check_info(self):
        got = self.query("info")
        for field in ("bytes", "format_version"):
            if field not in got or not got.pop(field).isdigit():
                raise AssertionError(f"info without a number {field}: {got}")
        compare_rows([got], [answers.info(self.oracle)], "mnsdb info")

    def check_rejects(self):
        """Reason, id and body of every reject, in order of arrival."""
        got = self.query("rejects")
        context = "mnsdb rejects"
        if len(got) != len(self.oracle.rejects):
            raise AssertionError(f"{context}: {len(got)} rows, {len(self.oracle.rejects)} expected")
        for i, (row, want) in enumerate(zip(got, self.oracle.rejects)):
            where = f"{context}: row {i}: body {want.body[:300]!r}: got {str(row)[:600]}"
            if list(row) != ["reason", "detail", "messageid", "received_at", "body"]:
                raise AssertionError(f"{where}: fields")
            if row["reason"] != want.reason:
                raise AssertionError(f"{where}: reason {want.reason} expected")
            if row["messageid"] != (None if want.messageid is None else str(want.messageid)):
                raise AssertionError(f"{where}: messageid {want.messageid} expected")
            if not want.holds_secret and base64.b64decode(row["body"]) != want.body:
                raise AssertionError(f"{where}: the body is not kept byte for byte")
        return got

    def check_small(self, devices=True):
        """The commands that take nothing."""
        self.check_info()
        self.check_rejects()
        self.check(answers.metric_rows(self.oracle), "metrics")
        if devices:
            self.check(answers.device_rows(self.oracle), "devices")

    def check_verify(self):
        rows = self.query("verify")
        if rows:
            raise AssertionError(f"verify of a sound store finds {rows}")


def sel_args(sel):
    args = []
    if sel.from_ms is not None:
        args += ["--from", clock.rfc3339(sel.from_ms, clock.timezone.utc)]
    if sel.to_ms is not None:
        args += ["--to", clock.rfc3339(sel.to_ms, clock.timezone.utc)]
    for glob in sel.devices:
        args += ["--device", glob]
    for glob in sel.products:
        args += ["--product", glob]
    return args


def stale_args(keep_stale, offline_at):
    args = ["--keep-stale"] if keep_stale else []
    return args + (["--offline-at", offline_at] if offline_at != "time" else [])


# --- comparing ---------------------------------------------------------------------------------


def check_summary(got, want):
    got = dict(got)
    float(got.pop("seconds"))
    want = {k: v if k == "reasons" else str(v) for k, v in want.items()}
    want["reasons"] = {k: str(v) for k, v in want["reasons"].items()}
    got["reasons"] = {k: v for k, v in got["reasons"].items() if v != "0"}
    if got != want:
        raise AssertionError(f"summary: got {got}, expected {want}")


def cell_matches(got, want, zone):
    if isinstance(want, Time):
        return got == clock.rfc3339(want.ms, zone)
    if want is None or isinstance(want, bool):
        return got is want
    if isinstance(want, Exact):
        return isinstance(got, Num) and str(got) == str(want)
    if isinstance(want, str):
        return got == want and not isinstance(got, Num)
    if isinstance(want, Loose) and number.nearest(want.fraction) is None:
        return got is None
    if not isinstance(got, Num):
        return False
    if isinstance(want, Near):
        return abs(float(got) - want.double) <= 4e-16 * abs(want.double) * 4
    if isinstance(want, Loose):
        return float(got) == number.nearest(want.fraction) or Fraction(got) == want.fraction
    if isinstance(want, float):
        return float(got) == want and is_shortest(got, want)
    return str(got) == str(want)


def is_shortest(text, value):
    """No more digits than the shortest text that reads back as the same double."""
    return digits_of(text) <= digits_of(repr(value))


def digits_of(text):
    digits = text.lower().partition("e")[0].replace("-", "").replace(".", "")
    return len(digits.strip("0"))


def compare_rows(got, want, context, zone="UTC", loose_keys=False):
    """loose_keys: columns that are null in every expected row may be there or not."""
    zone = clock.zone_of(zone)

    def fail(text):
        raise AssertionError(f"{context}: {text} (MNSDB_TEST_SEED={SEED})")

    for i, (g, w) in enumerate(zip(got, want)):
        if list(g) != list(w):
            extra = [k for k in g if k not in w]
            if not loose_keys or any(g[k] is not None for k in extra) or set(w) - set(g):
                fail(f"row {i}: columns {list(g)[:40]}, expected {list(w)[:40]}")
        for key, cell in w.items():
            if not cell_matches(g[key], cell, zone):
                cell = clock.rfc3339(cell.ms, zone) if isinstance(cell, Time) else cell
                fail(f"row {i}: {key} is {g[key]!r}, expected {cell!r}; the row {str(g)[:800]}")
    if len(got) != len(want):
        first = (got if len(got) > len(want) else want)[min(len(got), len(want))]
        fail(f"{len(got)} rows, {len(want)} expected; the first that differs {str(first)[:600]}")


# --- making messages ---------------------------------------------------------------------------


def snowflake(ms, worker=0, sequence=0):
    return (ms - SNOWFLAKE_EPOCH_MS) << 22 | worker << 12 | sequence


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def envelope(kind, payload, messageid, timestamp, topic=None, raw=False):
    """One body. payload: text, bytes, or something for JSON."""
    if not isinstance(payload, (str, bytes)):
        payload = compact(payload)
    if raw:
        text = payload if isinstance(payload, str) else payload.decode()
    else:
        data = payload.encode() if isinstance(payload, str) else payload
        text = base64.b64encode(data).decode()
    out = {"payload": text, "messagetype": kind}
    if topic is not None:
        out["topic"] = topic
    out["messageid"] = messageid
    out["timestamp"] = timestamp
    return compact(out).encode()


def reading(device, values, messageid, timestamp, **kw):
    """values: metrics (and time fields) of a custom payload, or its text."""
    return envelope("upload", values, messageid, timestamp, f"/{device}/update", **kw)


def status(device, state, messageid, timestamp, **members):
    product, _, name = device.partition("/")
    payload = {"productKey": product, "deviceName": name, "status": state, **members}
    return envelope("status", payload, messageid, timestamp)


def beijing(ms):
    return clock.local(ms, clock.zone_of("+08:00")).strftime("%Y-%m-%d %H:%M:%S") + ".%03d" % (ms % 1000)


def lines(bodies):
    return b"".join(body + b"\n" for body in bodies)


def escape_glob(name):
    return "".join("\\" + c if c in "*?[]\\" else c for c in name)


def random_selection(rng, store, bounded=False):
    """Bounds on, beside and between business times; devices by name, pattern or product."""
    first, last = store.first_ms, store.last_ms

    def some_time():
        near = rng.choice(store.rows + store.events).time_ms if rng.random() < 0.6 else None
        if near is not None:
            return near + rng.choice((-1, 0, 0, 1))
        return rng.randint(first - 3600000, last + 3600000)

    a, b = sorted((some_time(), some_time()))
    if not bounded:
        a, b = rng.choice(((a, b), (a, b), (None, b), (a, None), (None, None)))
    devices, products = [], []
    kind = rng.randrange(6)
    if kind == 0:
        devices = [escape_glob(d) for d in rng.sample(store.devices, min(3, len(store.devices)))]
    elif kind == 1:
        device = rng.choice(store.devices).partition("/")[2]
        devices = [escape_glob(device[: rng.randint(0, len(device))]) + "*"]
    elif kind == 2:
        products = [escape_glob(rng.choice(store.devices).partition("/")[0])]
    return Selection(a, b, tuple(devices), tuple(products))


# --- recordings --------------------------------------------------------------------------------


def recorded_dir():
    where = os.environ.get("MNSDB_RECORDED")
    path = Path(where) if where else REPO.parent / "shared" / "recorded"
    return path if path.is_dir() else None


def recordings():
    """{name: data}, uncompressed."""
    out = {}
    for path in sorted(recorded_dir().glob("*.ndjson*")):
        data = path.read_bytes()
        out[path.name.partition(".")[0]] = gzip.decompress(data) if path.suffix == ".gz" else data
    return out


needs_recordings = unittest.skipUnless(
    recorded_dir(), "SKIPPED: the recordings are not there (set MNSDB_RECORDED)"
)


def main():
    print(f"MNSDB_TEST_SEED={SEED} programs in {bin_dir()}", flush=True)
    unittest.main(verbosity=2)
