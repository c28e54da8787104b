"""Exactly once, proved with a ledger: every message that was sent is in the store, once, and the
queue ends empty, whatever the queue, the network and kill -9 do meanwhile.

ctest: slow timeout=600
"""
import contextlib
import threading
import time
import unittest

import harness
import mns

QUEUE = "ledger"
MESSAGES = 100_000 if not harness.SANITIZED else 12_000
KILLS = 30 if not harness.SANITIZED else 8
FAULTS = (
    "--seed", 11, "--visibility", 3, "--redeliver", 0.1, "--reorder", "--fail-deletes", 0.05,
    "--lose-delete-replies", 0.02, "--error-rate", 0.03, "--drop", 0.02, "--truncate", 0.01,
)  # fmt: skip


def fleet_lines(messages):
    """Bodies of a simulated fleet; a tenth of them come twice with one messageid."""
    result = harness.run(
        "mnsdb-fleet", "--seed", 5, "--messages", messages, "--devices", 200, "--interval", "10s",
        "--duplicates", 0.1, "--late-share", 0.05, "--base64", "-o", "-",
    )  # fmt: skip
    lines = result.out.splitlines()
    # Bodies that nobody understands, each unlike the others, so that the order does not matter.
    for i in range(0, len(lines), 100):
        lines[i] = [b"%%%% %d" % i, b'{"messageid":%d,"messagetype":"?"}' % i, b'{"n":%d}' % i][i // 100 % 3]
    return lines


class Sender(threading.Thread):
    """Sends the ledger in batches; an answer that was lost means: send again."""

    def __init__(self, queue, lines):
        super().__init__(daemon=True)
        self.queue, self.lines = queue, lines
        self.failure = None

    def run(self):
        try:
            with contextlib.closing(self.queue.client()) as client:
                for i in range(0, len(self.lines), 16):
                    self.send(client, self.lines[i : i + 16])
        except Exception as failure:  # shown by the test's own thread
            self.failure = failure

    def send(self, client, bodies):
        for _ in range(200):
            try:
                if client.send(QUEUE, bodies).status == 201:
                    return
            except (OSError, mns.http.client.HTTPException):
                pass
            time.sleep(0.002)
        raise AssertionError("a batch could not be sent in 200 tries")


class Ledger(unittest.TestCase):
    def setUp(self):
        self.lines = fleet_lines(MESSAGES)
        self.queue = mns.LocalQueue(self, "--queue", QUEUE, *FAULTS)
        self.db = harness.Db(self)
        self.random = harness.rng_for("ledger")

    def ingest(self):
        more = ["--in-flight", 2000, "--commit-messages", 500, "--commit-window", "30ms", "--receives", 4]
        return mns.Ingest(self, self.db.path, self.queue.url(QUEUE), more=more)

    def remaining(self):
        with contextlib.closing(self.queue.client()) as client:
            for _ in range(200):
                try:
                    return sum(client.counts(QUEUE))
                except (OSError, mns.http.client.HTTPException, AssertionError):
                    time.sleep(0.01)
        raise AssertionError("the queue does not tell its counts")

    def run_with_kills(self, sender):
        """Kills ingest at random instants while messages flow; leaves one running."""
        kills = 0
        ingest = self.ingest()
        while kills < KILLS:
            time.sleep(self.random.uniform(0.05, 0.6))
            self.assertTrue(ingest.running(), f"ingest ended by itself: {ingest.err[-3000:]!r}")
            ingest.kill()
            kills += 1
            ingest = self.ingest()
        sender.join(300)
        self.assertFalse(sender.is_alive(), "the sender has not finished")
        if sender.failure:
            raise sender.failure
        return ingest

    def test_every_message_of_the_ledger_is_stored_once_through_kills_and_faults(self):
        sender = Sender(self.queue, self.lines)
        sender.start()
        ingest = self.run_with_kills(sender)
        mns.wait_until(lambda: self.remaining() == 0, "an empty queue", timeout=240, every=0.2)
        self.assertEqual(ingest.stop(), 0, ingest.err[-3000:])
        self.db.oracle.ingest(b"\n".join(self.lines))
        self.compare()

    def compare(self):
        info = self.db.query("info")
        want = harness.answers.info(self.db.oracle)
        for field in ("stored", "rejected", "readings", "status_events", "devices", "metrics", "clock_faults"):
            self.assertEqual(str(info[field]), str(want[field]), field)
        self.db.check(harness.answers.metric_rows(self.db.oracle), "metrics")
        self.db.check(harness.answers.device_rows(self.db.oracle), "devices")
        self.db.check_stats(["temperature", "humidity"], ("count", "sum", "min", "max"), by="device")
        self.db.check_online()
        self.db.check_log()
        rejects = sorted((r["reason"], r["body"]) for r in self.db.query("rejects"))
        kept = sorted((r.reason, harness.base64.b64encode(r.body).decode()) for r in self.db.oracle.rejects)
        self.assertEqual(rejects, kept)
        self.db.check_verify()


if __name__ == "__main__":
    unittest.main()
