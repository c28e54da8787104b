#!/usr/bin/env python3
"""A long run at a steady rate beside a queue that misbehaves: memory, files and backlog stay flat, and
the store equals the ledger.

    soak.py [--minutes 30] [--rate 500]

Prints a line a minute and a verdict; exit 0 if all held.
"""
import argparse
import re
import statistics
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))

import harness  # noqa: E402
import mns  # noqa: E402
import test_ledger  # noqa: E402

SAMPLE_S = 5
ANON_GROWTH_BYTES = 24 << 20  # beyond what the second quarter of the run held
FILES_GROWTH = 8
BACKLOG_S = 15  # messages of so many seconds may wait, redeliveries and visibility included


def anonymous_bytes(pid):
    """Memory that is the process's own: pages of the store's file are not."""
    return int(re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) << 10


class PacedSender(test_ledger.Sender):
    """Sends a batch when its time has come."""

    def __init__(self, queue, lines, rate):
        super().__init__(queue, lines)
        self.rate = rate
        self.began = time.monotonic()
        self.done = 0

    def send(self, client, bodies):
        time.sleep(max(0.0, self.began + self.done / self.rate - time.monotonic()))
        super().send(client, bodies)
        self.done += len(bodies)


class Soak(test_ledger.Ledger):
    minutes, rate = 30.0, 500

    def setUp(self):
        self.lines = test_ledger.fleet_lines(int(self.minutes * 60 * self.rate))
        self.queue = mns.LocalQueue(self, "--queue", test_ledger.QUEUE, *test_ledger.FAULTS)
        self.db = harness.Db(self)

    def sample(self, ingest):
        self.assertTrue(ingest.running(), f"ingest ended: {ingest.err[-3000:]!r}")
        return anonymous_bytes(ingest.pid), mns.open_files(ingest.pid), self.remaining()

    def watch(self, sender, ingest):
        samples = []
        while sender.is_alive():
            time.sleep(SAMPLE_S)
            samples.append(self.sample(ingest))
            if len(samples) % (60 // SAMPLE_S) == 0:
                anon, files, backlog = samples[-1]
                print(f"{sender.done:>9} sent, {anon >> 10:>7} KiB, {files:>3} files, {backlog:>6} in the queue", flush=True)
        if sender.failure:
            raise sender.failure
        return samples

    def check_flat(self, samples):
        early, late = samples[len(samples) // 4 : len(samples) // 2], samples[3 * len(samples) // 4 :]
        for index, slack, what in ((0, ANON_GROWTH_BYTES, "memory"), (1, FILES_GROWTH, "open files")):
            before, after = (statistics.median(s[index] for s in part) for part in (early, late))
            self.assertLessEqual(after, before + slack, f"{what} grew from {before} to {after}")
        backlog = statistics.median(s[2] for s in late)
        self.assertLessEqual(backlog, self.rate * BACKLOG_S, "the backlog grew")

    def test_every_message_of_the_ledger_is_stored_once_through_kills_and_faults(self):
        sender = PacedSender(self.queue, self.lines, self.rate)
        ingest = mns.Ingest(self, self.db.path, self.queue.url(test_ledger.QUEUE))
        sender.start()
        samples = self.watch(sender, ingest)
        mns.wait_until(lambda: self.remaining() == 0, "an empty queue", timeout=300, every=0.5)
        self.assertEqual(ingest.stop(), 0, ingest.err[-3000:])
        self.db.oracle.ingest(b"\n".join(self.lines))
        self.compare()
        self.check_flat(samples)
        print("the store equals the ledger; memory, files and backlog were flat")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=500, help="messages a second")
    arguments = parser.parse_args()
    Soak.minutes, Soak.rate = arguments.minutes, arguments.rate
    unittest.main(argv=[sys.argv[0]], defaultTest="Soak")
