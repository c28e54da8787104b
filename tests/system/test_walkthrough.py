#!/usr/bin/env python3
"""The contract's worked example, to the letter."""
import unittest

import harness
from harness import Db, envelope, lines, run

DEVICE = "a1jnUEKYhw4/suw8umOqgJ72yCADerZp"

MESSAGES = lines(
    [
        envelope(
            "status",
            '{"lastTime":"2018-05-16 13:58:44.413","clientIp":"","time":"2018-05-16 13:58:44.427",'
            '"productKey":"a1jnUEKYhw4","deviceName":"suw8umOqgJ72yCADerZp","status":"online"}',
            996631012001751041,
            1526450324,
        ),
        envelope(
            "upload",
            '{"temperature":14,"humidity":116}',
            996631053735047169,
            1526450334,
            "/a1jnUEKYhw4/suw8umOqgJ72yCADerZp/update",
        ),
        envelope(
            "status",
            '{"lastTime":"2018-05-16 13:59:04.381","time":"2018-05-16 13:59:13.571",'
            '"productKey":"a1jnUEKYhw4","deviceName":"suw8umOqgJ72yCADerZp","status":"offline"}',
            996631134240534528,
            1526450353,
        ),
    ]
)


class Walkthrough(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.db = Db(self)
        path = self.db.file(MESSAGES)
        self.summary = self.db.ingest_files(path, path)

    def one(self, *args):
        (row,) = self.db.query(*args)
        return row

    def test_the_same_file_twice_counts_each_message_once(self):
        got = {k: self.summary[k] for k in ("received", "stored", "duplicates", "rejected", "reasons")}
        self.assertEqual(
            got, {"received": "6", "stored": "3", "duplicates": "3", "rejected": "0", "reasons": {}}
        )
        self.assertEqual(self.summary["bytes"], str(2 * len(MESSAGES)))

    def test_a_second_run_adds_nothing(self):
        again = self.db.ingest_files(self.db.file(MESSAGES))
        self.assertEqual((again["received"], again["stored"], again["duplicates"]), ("3", "0", "3"))
        info = self.db.query("info")
        self.assertEqual((info["stored"], info["duplicates"], info["rejected"]), ("3", "6", "0"))
        self.assertEqual((info["readings"], info["status_events"]), ("1", "2"))
        self.assertEqual((info["devices"], info["metrics"], info["clock_faults"]), ("1", "2", "0"))
        self.assertEqual(info["first_time"], "2018-05-16T05:58:44.427Z")
        self.assertEqual(info["last_time"], "2018-05-16T05:59:13.571Z")

    def test_stats_shows_the_one_reading(self):
        row = self.one("stats")
        row["temperature_avg"] = float(row["temperature_avg"])
        row["humidity_avg"] = float(row["humidity_avg"])
        self.assertEqual(
            list(row.items()),
            [
                ("temperature_count", "1"),
                ("temperature_min", "14"),
                ("temperature_avg", 14.0),
                ("temperature_max", "14"),
                ("humidity_count", "1"),
                ("humidity_min", "116"),
                ("humidity_avg", 116.0),
                ("humidity_max", "116"),
            ],
        )

    def test_the_row_carries_the_millisecond_of_its_id(self):
        rows = self.db.query("log")
        self.assertEqual([row["kind"] for row in rows], ["online", "reading", "offline"])
        self.assertEqual(rows[1]["time"], "2018-05-16T05:58:54.377Z")
        self.assertEqual(rows[1]["time_source"], "messageid")
        self.assertEqual(rows[1]["messageid"], "996631053735047169")
        self.assertEqual((rows[1]["temperature"], rows[1]["humidity"]), ("14", "116"))
        self.assertEqual(rows[0]["time_source"], "payload")

    def test_online_durations_are_exact(self):
        row = self.one("online")
        row["availability"] = float(row["availability"])
        self.assertEqual(
            list(row.items()),
            [
                ("device", DEVICE),
                ("online_ms", "29144"),
                ("offline_ms", "0"),
                ("unknown_ms", "0"),
                ("availability", 1.0),
                ("sessions", "1"),
                ("longest_ms", "29144"),
                ("repeats", "0"),
                ("stale", "0"),
                ("state", "offline"),
                ("state_since", "2018-05-16T05:59:13.571Z"),
            ],
        )

    def test_last_contact_moves_the_end(self):
        row = self.one("online", "--offline-at", "last-contact")
        self.assertEqual((row["online_ms"], row["offline_ms"]), ("19954", "9190"))
        self.assertEqual(row["state_since"], "2018-05-16T05:59:04.381Z")

    def test_sessions_and_last_in_beijing_time(self):
        row = self.one("sessions", "--tz", "+08:00")
        self.assertEqual(row["start"], "2018-05-16T13:58:44.427+08:00")
        self.assertEqual(row["end"], "2018-05-16T13:59:13.571+08:00")
        self.assertEqual((row["duration_ms"], row["reason"], row["repeats"]), ("29144", "offline", "0"))
        row = self.one("last", "--tz", "Asia/Shanghai")
        self.assertEqual(row["last_seen"], "2018-05-16T13:59:13.571+08:00")
        self.assertEqual((row["state"], row["temperature"], row["humidity"]), ("offline", "14", "116"))
        self.assertEqual(row["temperature_time"], "2018-05-16T13:58:54.377+08:00")

    def test_all_three_ids_are_seen_exactly(self):
        ids = ("996631012001751041", "996631053735047169", "996631134240534528")
        self.assertEqual([r["seen"] for r in self.db.query("seen", *ids)], [True] * 3)
        rows = self.db.query("seen", "996631012001751040", ids[0], want_code=1)
        self.assertEqual([r["seen"] for r in rows], [False, True])

    def test_verify_finds_nothing(self):
        self.db.check_verify()

    def test_every_program_has_help_and_a_version(self):
        for program in ("mnsdb", "mnsdb-ingest", "mnsdb-fleet", "mnsdb-bench"):
            for option in ("--help", "--version"):
                with self.subTest(program=program, option=option):
                    result = run(program, option)
                    self.assertEqual((result.code, result.err), (0, b""))
                    self.assertTrue(result.out.strip())


if __name__ == "__main__":
    harness.main()
