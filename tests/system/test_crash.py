#!/usr/bin/env python3
"""kill -9 at many instants: what is on disk is always a prefix of what came, and nothing counts twice."""
import signal
import subprocess
import time
import unittest

import harness
from harness import Db, bin_dir, check_clean_end, environment, parse_json, reading, rng_for, snowflake

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
ROUND_LINES = 60000
KILLS = 30


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
        out, err = child.communicate(timeout=120)
        check_clean_end(harness.Result(child.args, child.returncode, out, err), signals=True)
        self.assertIn(child.returncode, want, err)
        return out

    def test_killed_while_it_reads_a_file(self):
        rng = rng_for("kill file")
        stream = Stream(rng, ROUND_LINES)
        db = Db(self)
        file = db.file(b"".join(stream.lines))
        began = time.monotonic()
        whole = Db(self)
        whole.ingest_files(file)
        span_s = time.monotonic() - began
        for kill in range(KILLS):
            if kill % 6 == 0:  # now and then a fresh store, else on what the kill before left
                db = Db(self)
            child = self.start(db, file)
            time.sleep(rng.uniform(0, span_s))
            child.kill()
            self.finish(child, (-signal.SIGKILL, 0))
            self.state_after_rerun(db, stream)
            if kill % 6 == 5:
                db.check_verify()
                self.complete(db, file, stream)

    def state_after_rerun(self, db, stream):
        """Every run reads the file from its start, so what was stored comes as duplicates again."""
        if not db.path.exists():
            return 0
        result = db.run("info", "--format", "json")
        if result.code == 4:
            self.assertNotIn(b"damaged", result.err)
            return 0
        self.assertEqual(result.code, 0, result)
        info = parse_json(result.out)
        stored, rejected = int(info["stored"]), int(info["rejected"])
        (row,) = db.query("stats", "v", "--agg", "count,sum")
        match = [t for t in stream.totals if t[0] == stored and t[2] == rejected]
        self.assertTrue(match, f"{stored} stored, {rejected} rejected is no prefix (seed {harness.SEED})")
        self.assertEqual((int(row["v_count"]), int(row["v_sum"] or 0)), (stored, match[0][3]))
        self.assertEqual(info["readings"], info["stored"])
        return stored

    def complete(self, db, file, stream):
        got = db.ingest_files(file)
        self.assertEqual(got["received"], str(len(stream.lines)))
        info = db.query("info")
        stored, _, rejected, total = stream.totals[-1]
        self.assertEqual((int(info["stored"]), int(info["rejected"])), (stored, rejected))
        (row,) = db.query("stats", "v", "--agg", "count,sum")
        self.assertEqual((int(row["v_count"]), int(row["v_sum"])), (stored, total))
        db.check_verify()

    def test_killed_while_lines_trickle_in(self):
        rng = rng_for("kill stdin")
        stream = Stream(rng, 40 * KILLS * 30)
        db = Db(self)
        done = 0  # lines the store holds
        for kill in range(KILLS):
            child = self.start(db, "-")
            at = done
            try:
                for _ in range(rng.randint(1, 12)):
                    step = rng.choice((1, 10, 100, 400))
                    child.stdin.write(b"".join(stream.lines[at : at + step]))
                    child.stdin.flush()
                    at = min(at + step, len(stream.lines))
                    time.sleep(rng.choice((0, 0.001, 0.03)))
            except BrokenPipeError:
                self.fail("the ingest ended by itself")
            if rng.random() < 0.5:
                # Bodies that come again are no harm: let it end on a half line too.
                child.stdin.write(stream.lines[at][:20] if at < len(stream.lines) else b"")
                child.stdin.flush()
            time.sleep(rng.uniform(0, 0.05))
            child.kill()
            self.finish(child, (-signal.SIGKILL,))
            done = self.state(db, stream.totals, done)
            self.assertLessEqual(done, at)
            if kill % 5 == 4:
                db.check_verify()
        rest = b"".join(stream.lines[done:])
        db.ingest_files("-", stdin=rest)
        self.assertEqual(self.state(db, stream.totals, done), len(stream.lines))
        db.check_verify()

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

    def test_sigterm_in_the_middle_of_a_file(self):
        rng = rng_for("term file")
        stream = Stream(rng, ROUND_LINES)
        for _ in range(3):
            db = Db(self)
            file = db.file(b"".join(stream.lines))
            child = self.start(db, file)
            time.sleep(rng.uniform(0.01, 0.2))
            child.terminate()
            self.finish(child, (128 + signal.SIGTERM, -signal.SIGTERM, 0))
            self.state_after_rerun(db, stream)
            self.complete(db, file, stream)


if __name__ == "__main__":
    harness.main()
