"""Queues at their edges: what clients do that is allowed but rare.

ctest: timeout=120
"""
import unittest

import mns

QUEUE = "edge"


class LargeRequests(unittest.TestCase):
    def test_who_sends_far_too_much_gets_an_answer(self):
        client = mns.LocalQueue(self, "--queue", QUEUE).client()
        self.addCleanup(client.close)
        for count in (2, 16, 48):  # the last is 3 MiB
            reply = client.send(QUEUE, ["a" * 65536] * count)
            self.assertEqual((reply.status, reply.one("Code")), (400, "InvalidArgument"))
        self.assertEqual(client.counts(QUEUE), (0, 0, 0))
        self.assertEqual(client.send(QUEUE, ["a"]).status, 201)


if __name__ == "__main__":
    unittest.main()
