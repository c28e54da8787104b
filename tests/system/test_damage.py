#!/usr/bin/env python3
"""Flipped bytes in a store: every answer is as before or an error, and never silently another."""
import unittest
from concurrent.futures import ThreadPoolExecutor

import harness
from harness import Db, lines, reading, rng_for, run, status

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
SAMPLES = 12 if harness.SANITIZED else 120
PAGE = 4096
PAGE_HEAD = 512  # where a page of the tree keeps its offsets and flags
HEAD_SAMPLES = 1 if harness.SANITIZED else 3  # of each page

QUERIES = (
    ("info",),
    ("stats", "a", "b", "--agg", "count,sum,min,max,first,last,p50"),
    ("stats", "a", "b", "--agg", "count,sum,avg,stddev", "--by", "device", "--every", "1h"),
    ("online",),
    ("sessions", "--keep-stale"),
    ("log",),
    ("last",),
    ("devices",),
    ("metrics",),
    ("rejects",),
    ("seen", "0", "5", "17", "999", "3000", "123456789"),
)


def small_store(test, rng):
    db = Db(test)
    for part in range(3):
        bodies = []
        for i in range(part * 400, part * 400 + 400):
            device = "p%d/d%d" % (i % 2, i % 7)
            if i % 11 == 0:
                state = rng.choice(("online", "offline"))
                bodies.append(status(device, state, i, NOW_S, time=NOW_MS + i * 60000))
            elif i % 50 == 3:
                bodies.append(reading(device, {"a": "no number %d" % i}, i, NOW_S))
            else:
                values = {"a": rng.randint(0, 9999) / 100, "time": NOW_MS + i * 60000}
                if i % 3 == 0:
                    values["b"] = rng.randint(-5, 5)
                if i % 97 == 0:
                    values["a"] = 0.1234567890123456789
                bodies.append(reading(device, values, i, NOW_S))
        bodies.append(b"rubbish %d!" % part)
        db.ingest(lines(bodies))
    return db


class Flipper:
    """A copy of the store's file that is changed and restored in place."""

    def __init__(self, db, copy):
        copy.mkdir(0o700)
        for file in db.path.iterdir():
            if file.is_file():
                (copy / file.name).write_bytes(file.read_bytes())
        self.path = copy
        self.file = max(copy.iterdir(), key=lambda f: f.stat().st_size)
        self.data = self.file.read_bytes()

    def write(self, at, data):
        with open(self.file, "r+b") as out:
            out.seek(at)
            out.write(data)


class Damage(unittest.TestCase):
    def prepare(self, settle):
        rng = rng_for(f"damage {settle}")
        db = small_store(self, rng)
        if settle:
            self.assertEqual(run("mnsdb-ingest", "--db", db.path, "--settle").code, 0)
        db.check_verify()
        flippers = [Flipper(db, db.home / f"copy{i}") for i in range(2)]
        self.before = {}
        for query in QUERIES:
            result = self.ask(flippers[0], query)
            self.assertEqual(result.code, 1 if query[0] == "seen" else 0, result)
            self.before[query] = (result.code, result.out)
        return rng, flippers

    def ask(self, flipper, query):
        return run("mnsdb", query[0], "--db", flipper.path, *query[1:], "--format", "ndjson")

    def check_position(self, flipper, at, flip, queries):
        """Damages a byte, asks, and puts it right again."""
        old = flipper.data[at]
        flipper.write(at, bytes([old ^ flip]))
        where = f"byte {at} of {len(flipper.data)} from {old:#x} to {old ^ flip:#x} (seed {harness.SEED})"
        try:
            verify = run("mnsdb", "verify", "--db", flipper.path, "--format", "ndjson")
            self.assertIn(verify.code, (0, 1, 4), f"{where}: {verify!r}")
            # What verify calls sound has to give every answer; otherwise some questions will do.
            for query in QUERIES if verify.code == 0 and old else queries:
                result = self.ask(flipper, query)
                if (result.code, result.out) == self.before[query]:
                    continue
                self.assertNotEqual(verify.code, 0, f"{where}: verify finds nothing, but {result!r}")
                if at % PAGE < PAGE_HEAD and result.code == 0:
                    continue  # LMDB's own tree lost a key: verify, which counts them all, has told
                self.assertIn(result.code, (1, 4), f"{where}: {result!r}")
                self.assertTrue(result.err.strip(), f"{where}: failed without a word: {result!r}")
        finally:
            flipper.write(at, bytes([old]))

    def check_many(self, settle):
        rng, flippers = self.prepare(settle)
        data = flippers[0].data
        used = [at for at in range(len(data)) if data[at]]
        if harness.LONG:
            positions = range(len(data))
        else:
            # Most of the samples where something is written, some in the zeros between.
            positions = rng.sample(used, min(SAMPLES, len(used))) + rng.sample(range(len(data)), SAMPLES // 8)
            # The head of each page says where its keys lie.
            positions += [page + at for page in range(0, len(data), PAGE) for at in rng.sample(range(64), HEAD_SAMPLES)]
        plans = [(at, rng.choice((1, 0x80, 0xFF, 1 << rng.randrange(8))), rng.sample(QUERIES, 2)) for at in positions]

        def half(i):
            for at, flip, queries in plans[i::2]:
                self.check_position(flippers[i], at, flip, queries)

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(half, i) for i in range(2)]:
                done.result()

    def test_flipped_bytes_in_a_fresh_store(self):
        self.check_many(settle=False)

    def test_flipped_bytes_in_a_settled_store(self):
        self.check_many(settle=True)

    def test_a_store_cut_short_is_reported(self):
        rng, (flipper, _) = self.prepare(settle=False)
        for _ in range(12):
            length = rng.randrange(len(flipper.data))
            with open(flipper.file, "r+b") as out:
                out.truncate(length)
            self.check_cut(flipper, length)
            flipper.file.write_bytes(flipper.data)

    def check_cut(self, flipper, length):
        sound = True
        for query in QUERIES:
            result = self.ask(flipper, query)
            if (result.code, result.out) != self.before[query] and query[0] != "info":
                sound = False
                self.assertIn(result.code, (1, 4), f"cut to {length}: {result!r}")
        if not sound:
            verify = run("mnsdb", "verify", "--db", flipper.path)
            self.assertIn(verify.code, (1, 4), f"cut to {length}: {verify!r}")

    def test_a_page_of_zeros_is_reported(self):
        rng, (flipper, _) = self.prepare(settle=True)
        pages = len(flipper.data) // PAGE
        for page in rng.sample(range(pages), min(pages, 6 if harness.SANITIZED else 25)):
            old = flipper.data[page * PAGE : page * PAGE + PAGE]
            flipper.write(page * PAGE, b"\0" * PAGE)
            verify = run("mnsdb", "verify", "--db", flipper.path)
            self.assertIn(verify.code, (0, 1, 4))
            for query in rng.sample(QUERIES, 4):
                result = self.ask(flipper, query)
                if (result.code, result.out) != self.before[query]:
                    self.assertIn(result.code, (1, 4), f"page {page}: {result!r}")
                    self.assertNotEqual(verify.code, 0, f"page {page}: {result!r}")
            flipper.write(page * PAGE, old)


if __name__ == "__main__":
    harness.main()
