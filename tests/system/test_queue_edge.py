"""Queues at their edges: what clients do that is allowed but rare.

ctest: timeout=600
"""
import json
import shutil
import unittest

import harness
import mns

QUEUE = "edge"


def body(number):
    return harness.reading("p/d", {"v": number}, harness.snowflake(1600000000000 + number), 1600000000)


class LargeRequests(unittest.TestCase):
    def test_who_sends_far_too_much_gets_an_answer(self):
        client = mns.LocalQueue(self, "--queue", QUEUE).client()
        self.addCleanup(client.close)
        for count in (2, 16, 48):  # the last is 3 MiB
            reply = client.send(QUEUE, ["a" * 65536] * count)
            self.assertEqual((reply.status, reply.one("Code")), (400, "InvalidArgument"))
        self.assertEqual(client.counts(QUEUE), (0, 0, 0))
        self.assertEqual(client.send(QUEUE, ["a"]).status, 201)


class RemovedStore(unittest.TestCase):
    def test_nothing_is_deleted_when_the_store_was_removed(self):
        queue = mns.LocalQueue(self, "--queue", QUEUE)
        client, db = queue.client(), harness.Db(self)
        self.addCleanup(client.close)
        client.send(QUEUE, [body(1)])
        ingest = mns.Ingest(self, db.path, queue.url(QUEUE), more=["--commit-window", "10ms"])
        mns.wait_until(lambda: client.counts(QUEUE) == (0, 0, 0), "the first message")
        shutil.rmtree(db.path)
        client.send(QUEUE, [body(2)])
        self.assertEqual(ingest.wait(mns.WAIT_S), 4, ingest.err)
        self.assertIn(b"removed", ingest.err)
        self.assertEqual(sum(client.counts(QUEUE)), 1)


class Redelivery(unittest.TestCase):
    def test_what_comes_again_before_it_is_deleted_counts_as_a_duplicate(self):
        queue = mns.LocalQueue(self, "--queue", QUEUE, "--redeliver", "1")
        client, db = queue.client(), harness.Db(self)
        self.addCleanup(client.close)
        client.send_all(QUEUE, [body(i) for i in range(64)])
        record = db.home / "record"
        result = harness.run(
            "mnsdb-ingest", "--db", db.path, "--queue", queue.url(QUEUE), "--once",
            "--commit-window", "1s", "--record", record, "--summary", "json",
            env=mns.credentials_environment(),
        )  # fmt: skip
        self.assertEqual(result.code, 0, result)
        summary = json.loads(result.out)
        self.assertEqual((summary["stored"], summary["rejected"]), (64, 0))
        self.assertGreater(summary["duplicates"], 0)
        self.assertEqual(summary["received"], 64 + summary["duplicates"])
        self.assertEqual(len(record.read_bytes().splitlines()), summary["received"])
        info = json.loads(db.run("info", "--format", "json").out)
        self.assertEqual(info["duplicates"], summary["duplicates"])


class SeveralQueues(unittest.TestCase):
    def test_once_takes_what_the_other_queues_have_when_one_is_missing(self):
        queue = mns.LocalQueue(self, "--queue", "left", "--queue", "right")
        client, db = queue.client(), harness.Db(self)
        self.addCleanup(client.close)
        for name, first in (("left", 0), ("right", 100)):
            client.send_all(name, [body(first + i) for i in range(40)])
        urls = [arg for name in ("left", "gone", "right") for arg in ("--queue", queue.url(name))]
        result = harness.run(
            "mnsdb-ingest", "--db", db.path, *urls, "--once", "--summary", "json",
            env=mns.credentials_environment(),
        )  # fmt: skip
        self.assertEqual(result.code, 5, result)
        self.assertIn(b"QueueNotExist", result.err)
        self.assertEqual(json.loads(result.out.splitlines()[-1])["stored"], 80)
        for name in ("left", "right"):
            self.assertEqual(client.counts(name), (0, 0, 0))


class CheckConfig(unittest.TestCase):
    def test_an_address_that_nobody_can_listen_on_is_found(self):
        for address, code in (
            ("127.0.0.1:0", 0), ("[::1]:9469", 0), (":9469", 0),
            ("9469", 3), ("127.0.0.1:99999", 3), ("somewhere:9469", 3), ("127.0.0.1", 3),
        ):  # fmt: skip
            result = harness.run("mnsdb-ingest", "--check-config", "--listen", address)
            self.assertEqual(result.code, code, result)
            self.assertEqual(f"'{address}' is no address".encode() in result.err, code == 3, result)


if __name__ == "__main__":
    unittest.main()
