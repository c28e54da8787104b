#!/usr/bin/env python3
"""Every recording, alone and mixed, in every form, twice and shuffled: each figure as the oracle's."""
import base64
import gzip
import subprocess
import unittest

import harness
from harness import Db, Selection, check_summary, needs_recordings, random_selection, recordings, rng_for

AGGS = ("count", "sum", "avg", "min", "max", "first", "last", "spread", "stddev", "median",
        "min_time", "max_time", "twa", "p0", "p5", "p95", "p99.9", "p100")  # fmt: skip
EVERY = ("5m", "1h", "7h", "24h", "1d", "2d", "1w", "1mo")
ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "+05:30")
BUCKETS_MAX = 400


def shuffled(rng, data):
    out = data.splitlines(keepends=True)
    rng.shuffle(out)
    return b"".join(out)


def partly_base64(rng, data):
    """The same messages, some lines in base64, some ends CRLF, some blank lines between."""
    out = []
    for line in data.splitlines():
        if line.startswith(b"{") and rng.random() < 0.3:
            line = base64.b64encode(line)
        out.append(line + rng.choice((b"\n", b"\n", b"\r\n", b"\n\n", b"\r\n \t\r\n")))
    return b"".join(out)


def ingest_form(db, rng, form, data):
    """Takes the set in, packed in one of the forms a recording may have."""
    if form == "stdin":
        got = db.ingest_files("-", stdin=data)
    elif form == "gzip":
        got = db.ingest_files(db.file(gzip.compress(data, 1), "set.gz"))
    elif form == "two members":
        half = len(data) // 2
        got = db.ingest_files(db.file(gzip.compress(data[:half], 1) + gzip.compress(data[half:], 1), "m"))
    elif form == "zstd":
        packed = subprocess.run(["zstd", "-1", "-c"], input=data, capture_output=True, check=True).stdout
        got = db.ingest_files("-", stdin=packed)
    elif form == "files":
        at = data.index(b"\n", len(data) // 3) + 1
        got = db.ingest_files(db.file(data[:at], "a"), db.file(data[at:], "b"))
    else:
        got = db.ingest_files(db.file(data))
    check_summary(got, db.oracle.ingest(data))


def fitting_every(rng, low, high):
    sizes = {"5m": 300, "1h": 3600, "7h": 25200, "24h": 86400, "1d": 86400, "2d": 172800, "1w": 604800,
             "1mo": 2678400}  # fmt: skip
    return rng.choice([e for e in EVERY if (high - low) / 1000 / sizes[e] < BUCKETS_MAX] or ["1mo"])


def range_of(store, sel):
    low = store.first_ms if sel.from_ms is None else sel.from_ms
    return low, max(low, store.last_ms if sel.to_ms is None else sel.to_ms)


def check_everything(db, rng, rounds):
    db.check_small()
    db.check_verify()
    db.check_last()
    db.check_stats(aggs=AGGS)
    for _ in range(1 if harness.SANITIZED else rounds):
        check_random_stats(db, rng)
        check_random_online(db, rng)
        check_splits(db, rng)
    sel = random_selection(rng, db.oracle, bounded=True)
    db.check_log(Selection(sel.from_ms, min(sel.to_ms, sel.from_ms + 6 * 3600000), sel.devices))


def check_random_stats(db, rng):
    metrics = rng.sample(db.oracle.metrics, min(len(db.oracle.metrics), rng.randint(1, 3)))
    if rng.random() < 0.3:
        metrics = []
    sel = random_selection(rng, db.oracle)
    every = fitting_every(rng, *range_of(db.oracle, sel)) if rng.random() < 0.6 else None
    db.check_stats(
        metrics,
        rng.sample(AGGS, rng.randint(1, 6)),
        sel,
        every,
        rng.choice((None, "device", "product")),
        zone=rng.choice(ZONES),
    )


def check_random_online(db, rng):
    sel = random_selection(rng, db.oracle)
    low, high = range_of(db.oracle, sel)
    every = fitting_every(rng, low, high) if rng.random() < 0.5 and high > low else None
    options = {"keep_stale": rng.random() < 0.3, "offline_at": rng.choice(("time", "last-contact"))}
    by = rng.choice(("device", "device", "product", "none"))
    rows = db.check_online(sel, every, by, zone=rng.choice(ZONES), **options)
    if by == "device" and not every:
        for row in rows:
            assert sum(int(row[f]) for f in ("online_ms", "offline_ms", "unknown_ms")) == high - low
    db.check_sessions(sel, **options)


def check_splits(db, rng):
    """Durations over a range are the sums over any split of it."""
    sel = random_selection(rng, db.oracle, bounded=True)
    cuts = sorted(rng.randint(sel.from_ms, sel.to_ms) for _ in range(2))
    edges = [sel.from_ms, *cuts, sel.to_ms]
    fields = ("online_ms", "offline_ms", "unknown_ms", "repeats", "stale")

    def durations(low, high):
        args = harness.sel_args(Selection(low, high, sel.devices, sel.products))
        return {row["device"]: [int(row[f]) for f in fields] for row in db.query("online", *args)}

    whole = durations(sel.from_ms, sel.to_ms)
    parts = [durations(low, high) for low, high in zip(edges, edges[1:])]
    for device, figures in whole.items():
        sums = [sum(part[device][i] for part in parts) for i in range(len(fields))]
        assert sums == figures, f"{device} over {edges}: {sums} is not {figures} (seed {harness.SEED})"


@needs_recordings
class Recordings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sets = recordings()
        cls.decoded = {}

    def alone(self, name, forms, rounds=3):
        rng = rng_for(name)
        db = Db(self, decoded=self.decoded)
        data = self.sets[name]
        ingest_form(db, rng, forms[0], data)
        stored = db.oracle.stored
        ingest_form(db, rng, forms[1], shuffled(rng, data))
        self.assertEqual(db.oracle.stored, stored, "the second time adds nothing")
        check_everything(db, rng, rounds)

    def test_walkthrough_alone(self):
        self.alone("walkthrough", ("plain", "stdin"))

    def test_h2optimize_alone(self):
        self.alone("h2optimize", ("gzip", "zstd"))

    def test_lorawan_alone(self):
        self.alone("lorawan", ("plain", "gzip"))

    def test_library1_alone(self):
        self.alone("library1", ("stdin", "two members"))

    def test_web_uptime_alone(self):
        self.alone("web-uptime", ("zstd", "files"))

    def test_broker_sessions_alone(self):
        self.alone("broker-sessions", ("two members", "plain"), rounds=8)

    def test_a_shuffled_set_first_gives_the_same_figures(self):
        rng = rng_for("shuffled first")
        for name in ("h2optimize", "broker-sessions"):
            db = Db(self, decoded=self.decoded)
            ingest_form(db, rng, "plain", shuffled(rng, self.sets[name]))
            ingest_form(db, rng, "files", self.sets[name])
            check_everything(db, rng, 2)

    def test_all_mixed_in_one_store(self):
        rng = rng_for("mixed")
        db = Db(self, decoded=self.decoded)
        everything = shuffled(rng, b"".join(self.sets.values()))
        ingest_form(db, rng, "zstd", everything)
        stored = db.oracle.stored
        db.ingest_files(*[db.file(partly_base64(rng, d), n) for n, d in self.sets.items()])
        self.assertEqual(db.query("info")["stored"], str(stored))
        for data in self.sets.values():
            db.oracle.ingest(data)
        # A rejected body without an id is another body in base64; there is none in the recordings.
        check_everything(db, rng, 4)


if __name__ == "__main__":
    harness.main()
