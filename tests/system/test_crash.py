#!/usr/bin/env python3
# ctest: release-only slow
"""kill -9 at many instants: what is on disk is always a prefix of what came, and nothing counts twice."""
import signal
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import harness
from harness import Db, bin_dir, check_clean_end, environment, parse_json, reading, rng_for, snowflake

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
FILE_LINES = 1200000  # more than two commits of a bulk ingest
FILE_KILLS = 10
PIPES = 10  # slow pipes at the same time; an ingest commits what waits in one every few seconds
PIPE_KILLS = 4  # of each
PIPE_SPAN_S = 5


def big_stream():
    """Lines of a large file and the totals (stored, rejected, sum of v) after each."""
    payloads = [b'{\\"v\\":%d}' % v for v in range(1000)]
    one = b'{"payload":"%s","messagetype":"upload","topic":"/p/d%d/u","messageid":%d,"timestamp":1600000000}\n'
    out, totals = [], [(0, 0, 0)]
    stored = rejected = total = 0
    for i in range(FILE_LINES):
        if i % 50 == 49:
            out.append(out[i - 1 - i % 40])
        elif i % 5000 == 17:
            out.append(b"rubbish %d!\n" % i)
            rejected += 1
        else:
            v = i * 7 % 1000
            out.append(one % (payloads[v], i % 97, snowflake(NOW_MS + i // 8, i % 3, i & 4095)))
            stored += 1
            total += v
        totals.append((stored, rejected, total))
    return b"".join(out), totals


class Stream:
    """Lines with known prefix sums: what a store holds after n of them follows from n alone."""

    def __init__(self, rng, count):
        self.lines = []
        self.totals = [(0, 0, 0, 0)]  # stored, duplicates, rejected, sum of v after n lines
        fresh = []
        stored = duplicates = rejected = total = 0
        for i in range(count):
            chance = rng.random()
            if chance < 0.03 and fresh:
                line = fresh[rng.randrange(max(0, len(fresh) - 500), len(fresh))]
                duplicates += 1
            elif chance < 0.04:
                line = b"rubbish %d!\n" % i
                rejected += 1
            else:
                value = rng.randint(0, 999)
                ident = snowflake(NOW_MS + i * 7, rng.randint(0, 3), i & 4095)
                line = reading(f"p/d{i % 50}", {"v": value}, ident, NOW_S + i * 7 // 1000, raw=True) + b"\n"
                fresh.append(line)
                stored += 1
                total += value
            self.lines.append(line)
            self.totals.append((stored, duplicates, rejected, total))


class Crash(unittest.TestCase):
    def state(self, db, totals, done):
        """Checks that the store holds exactly a prefix; returns its length. done: at least that many."""
        if not db.path.exists() and done == 0:
            return 0
        result = db.run("info", "--format", "json")
        if result.code == 4 and done == 0:
            return 0  # killed before the store was there
        self.assertEqual(result.code, 0, result)
        info = parse_json(result.out)
        counters = tuple(int(info[f]) for f in ("stored", "duplicates", "rejected"))
        n = sum(counters)
        self.assertLess(n, len(totals))
        self.assertEqual(counters, totals[n][:3], f"no prefix after {n} lines (seed {harness.SEED})")
        self.assertGreaterEqual(n, done)
        (row,) = db.query("stats", "v", "--agg", "count,sum")
        self.assertEqual(int(row["v_count"]), totals[n][0])
        self.assertEqual(int(row["v_sum"] or 0), totals[n][3])
        self.assertEqual(int(info["readings"]), totals[n][0])
        return n

    def start(self, db, source):
        return subprocess.Popen(
            [str(bin_dir() / "mnsdb-ingest"), "--db", str(db.path), "--summary", "json", str(source)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        )  # fmt: skip

    def finish(self, child, want):
        out, err = child.communicate(timeout=harness.TIMEOUT_S)
        check_clean_end(harness.Result(child.args, child.returncode, out, err), signals=True)
        self.assertIn(child.returncode, want, err)
        return out

    def prefix(self, db, totals):
        """Every run reads the file from its start, so what was stored comes as duplicates again:
        stored, rejected and the sum tell which prefix the store holds."""
        result = db.run("info", "--format", "json")
        if result.code == 4:
            self.assertNotIn(b"damaged", result.err)
            return 0
        self.assertEqual(result.code, 0, result)
        info = parse_json(result.out)
        stored, rejected = int(info["stored"]), int(info["rejected"])
        (row,) = db.query("stats", "v", "--agg", "count,sum")
        got = (stored, rejected, int(row["v_sum"] or 0))
        self.assertIn(got, totals, f"no prefix of the file (seed {harness.SEED})")
        self.assertEqual((int(row["v_count"]), int(info["readings"])), (stored, stored))
        return stored

    def complete(self, db, file, totals):
        got = db.ingest_files(file)
        self.assertEqual(got["received"], str(FILE_LINES))
        self.assertEqual(self.prefix(db, totals), max(totals)[0])
        db.check_verify()

    def test_killed_while_it_reads_a_file(self):
        rng = rng_for("kill file")
        data, totals = big_stream()
        known = set(totals)
        whole = Db(self)
        file = whole.file(data)
        began = time.monotonic()
        whole.ingest_files(file)
        span_s = time.monotonic() - began
        self.assertEqual(self.prefix(whole, known), max(known)[0])
        found = []
        for kill in range(FILE_KILLS):
            if kill % 5 == 0:  # now and then a fresh store, else on what the kill before left
                db = Db(self)
            child = self.start(db, file)
            time.sleep(rng.uniform(0, span_s))
            child.kill()
            self.finish(child, (-signal.SIGKILL, 0))
            found.append(self.prefix(db, known))
            if kill % 5 == 4:
                db.check_verify()
                self.complete(db, file, known)
        print(f"stored after each kill: {found} of {max(known)[0]}")
        db = Db(self)
        child = self.start(db, file)
        time.sleep(rng.uniform(0.01, span_s))
        child.terminate()
        self.finish(child, (128 + signal.SIGTERM, -signal.SIGTERM, 0))
        self.prefix(db, known)
        self.complete(db, file, known)

    def trickle(self, rng, child, stream, at, seconds):
        """Feeds lines until the time is over; returns where it is then."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            step = rng.choice((1, 10, 50))
            child.stdin.write(b"".join(stream.lines[at : at + step]))
            child.stdin.flush()
            at = min(at + step, len(stream.lines))
            time.sleep(rng.choice((0.001, 0.01, 0.03)))
        child.stdin.write(stream.lines[at][:20] if at < len(stream.lines) else b"")
        child.stdin.flush()
        return at

    def kill_one_pipe_often(self, number):
        rng = rng_for(f"kill pipe {number}")
        stream = Stream(rng, 30000)
        db = Db(self)
        found = [0]  # lines the store holds after each kill
        for _ in range(PIPE_KILLS):
            child = self.start(db, "-")
            at = self.trickle(rng, child, stream, found[-1], rng.uniform(0, PIPE_SPAN_S))
            child.kill()
            self.finish(child, (-signal.SIGKILL,))
            found.append(self.state(db, stream.totals, found[-1]))
            self.assertLessEqual(found[-1], at)
        if db.path.exists() and found[-1]:
            db.check_verify()
        db.ingest_files("-", stdin=b"".join(stream.lines[found[-1] :]))
        self.assertEqual(self.state(db, stream.totals, found[-1]), len(stream.lines))
        db.check_verify()
        return found[1:]

    def test_killed_while_lines_trickle_in(self):
        with ThreadPoolExecutor(PIPES) as pool:
            found = list(pool.map(self.kill_one_pipe_often, range(PIPES)))
        print(f"lines held after each kill: {found}")

    def test_sigterm_and_sigint_end_cleanly_between_commits(self):
        rng = rng_for("term")
        stream = Stream(rng, 20000)
        for number in (signal.SIGTERM, signal.SIGINT):
            db = Db(self)
            child = self.start(db, "-")
            child.stdin.write(b"".join(stream.lines[:5000]))
            child.stdin.flush()
            time.sleep(0.5)
            child.send_signal(number)
            out = self.finish(child, (128 + number, -number))
            summary = parse_json(out)
            n = self.state(db, stream.totals, 0)
            self.assertEqual(int(summary["received"]), n, "the summary tells what was taken")
            db.check_verify()
            db.ingest_files("-", stdin=b"".join(stream.lines[n:]))
            self.assertEqual(self.state(db, stream.totals, n), len(stream.lines))


if __name__ == "__main__":
    harness.main()
