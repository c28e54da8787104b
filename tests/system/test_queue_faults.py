"""The system calls of one receive-commit-delete cycle, failing or dying one after the other.

Killed at any of them nothing is lost and nothing counts twice. A full disk is waited for; a
disk that fails ends the process, and nothing is deleted from the queue afterwards.

ctest: slow release-only timeout=600
"""
import re
import shutil
import unittest

import harness
import mns

QUEUE = "faults"
# Of each kind of call the first are tried one by one, later ones in steps; with MNSDB_TEST_LONG=1
# every one of them is.
CALLS_EACH = 2
STEPS_EACH = 2
# These begin or end a process or a handler; strace cannot kill there, or it would tell nothing.
HARMLESS = {"execve", "exit_group", "exit", "rt_sigreturn", "restart_syscall"}
MESSAGES = 40


@unittest.skipUnless(shutil.which("strace"), "SKIPPED: strace is not installed")
class QueueFaults(unittest.TestCase):
    def setUp(self):
        self.queue = mns.LocalQueue(self, "--queue", QUEUE, "--visibility", 1)
        self.client = self.queue.client()
        self.addCleanup(self.client.close)
        self.db = harness.Db(self)
        self.sent = []

    def send(self, count=MESSAGES):
        base = len(self.sent)
        bodies = [
            harness.reading("p/d1", {"v": n}, harness.snowflake(1600000000000 + n), 1600000000 + n // 1000)
            for n in range(base, base + count)
        ]
        self.sent += bodies
        self.client.send_all(QUEUE, bodies)

    def strace(self, *inject, more=(), trace=None, once=True):
        wrapper = ["strace", "-f", "-qq", "-o", trace or "/dev/null"]
        wrapper += [arg for one in inject for arg in ("-e", f"inject={one}")]
        wrapper += ["-e", "trace=" + ",".join({one.split(":")[0] for one in inject} | {"sendto", "fdatasync"})]
        more = [*(["--once"] if once else []), "--commit-window", "20ms", *more]
        return mns.Ingest(self, self.db.path, self.queue.url(QUEUE), more=more, wrapper=wrapper)

    def stored(self):
        result = self.db.run("info", "--format", "json")
        return int(harness.parse_json(result.out)["stored"]) if result.code == 0 else 0

    def check_nothing_is_lost(self, where):
        """What is not in the queue any more is in the store."""
        remaining = sum(self.client.counts(QUEUE))
        self.assertGreaterEqual(remaining + self.stored(), len(self.sent), where)

    def finish(self):
        """Takes in what is left, and compares all of it."""
        def empty():
            ingest = mns.Ingest(self, self.db.path, self.queue.url(QUEUE), more=["--once"])
            self.assertEqual(ingest.wait(), 0, ingest.err)
            return sum(self.client.counts(QUEUE)) == 0

        mns.wait_until(empty, "an empty queue", every=0.3)
        self.db.oracle.ingest(b"\n".join(self.sent))
        self.assertEqual(self.stored(), len(self.sent))
        self.db.check_stats(["v"], ("count", "sum", "min", "max"))
        self.db.check_verify()

    def calls_of_a_cycle(self):
        """Every kind of system call that a run makes, and how often."""
        trace = self.db.home / "all"
        wrapper = ["strace", "-f", "-qq", "-o", trace]
        more = ["--once", "--commit-window", "20ms"]
        ingest = mns.Ingest(self, self.db.path, self.queue.url(QUEUE), more=more, wrapper=wrapper)
        self.assertEqual(ingest.wait(), 0, ingest.err)
        names = re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.M)
        return {name: names.count(name) for name in sorted(set(names)) if name not in HARMLESS}

    @staticmethod
    def places(count):
        """Which of `count` calls of a kind a process is killed at."""
        if harness.LONG:
            return range(1, count + 1)
        steps = range(CALLS_EACH + 1, count + 1)
        return [*range(1, min(CALLS_EACH, count) + 1), *steps[:: max(1, len(steps) // STEPS_EACH)]]

    def kill_at(self, call, n):
        """True if the run came that far."""
        if self.client.counts(QUEUE)[0] < MESSAGES // 2:
            self.send()
        code = self.strace(f"{call}:signal=KILL:when={n}").wait()
        self.check_nothing_is_lost(f"killed at {call} {n}")
        self.assertIn(code, (0, -9, 137), f"{call} {n}")
        return code != 0

    def test_killed_at_every_system_call_of_a_cycle_nothing_is_lost_or_counted_twice(self):
        self.make_store()
        self.send()
        calls = self.calls_of_a_cycle()
        for expected in ("writev", "fdatasync", "sendto", "recvfrom"):
            self.assertIn(expected, calls)
        killed = sum(self.kill_at(call, n) for call, count in calls.items() for n in self.places(count))
        self.assertGreater(killed, 40)
        self.finish()

    def make_store(self):
        self.send(1)
        ingest = mns.Ingest(self, self.db.path, self.queue.url(QUEUE), more=["--once"])
        self.assertEqual(ingest.wait(), 0, ingest.err)

    def test_a_full_disk_is_waited_for_and_nothing_is_lost(self):
        self.make_store()
        self.send()
        ingest = self.strace("writev:error=ENOSPC:when=1..2")
        self.assertEqual(ingest.wait(), 0, ingest.err)
        self.assertIn(b"no room", ingest.err)
        self.assertEqual(sum(self.client.counts(QUEUE)), 0)
        self.finish()

    def test_a_head_page_that_finds_no_room_ends_the_process_and_nothing_is_lost(self):
        """LMDB takes nothing more after that; the next process opens the store as it is."""
        self.make_store()
        self.send()
        ingest = self.strace("pwrite64:error=ENOSPC:when=1")
        self.assertEqual(ingest.wait(), 4, ingest.err)
        self.check_nothing_is_lost("pwrite64")
        self.finish()

    def test_nothing_is_deleted_after_the_disk_failed(self):
        self.make_store()
        for call in ("fdatasync", "writev", "pwrite64"):
            for when in (1, 2):
                with self.subTest(call=call, when=when):
                    self.send(MESSAGES)
                    trace = self.db.home / "trace"
                    ingest = self.strace(f"{call}:error=EIO:when={when}", trace=trace)
                    code = ingest.wait()
                    self.check_nothing_is_lost(f"{call} {when}")
                    lines = trace.read_text(errors="replace").splitlines()
                    failed = [i for i, line in enumerate(lines) if "EIO" in line]
                    self.assertTrue(failed, f"no fault was injected: exit {code} {ingest.err!r}")
                    self.assertEqual(code, 4, ingest.err)
                    deletes = [line for line in lines[failed[0] :] if re.search(r'sendto\(\d+, "DELETE', line)]
                    self.assertEqual(deletes, [])
        self.finish()


if __name__ == "__main__":
    unittest.main()
