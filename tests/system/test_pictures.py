#!/usr/bin/env python3
"""Timelines and sparklines in the terminal show what the oracle says, column by column.

Histories lie around changes of the clock in both directions: Europe/Berlin and America/New_York.
"""
import datetime
import re
import unittest

import harness
from harness import clock, rng_for
from oracle import answers, pictures
from test_analytics import CHANGES, make_store, some_selection

ROW = re.compile(r"^(\S+) +([#+._-]+) +(\S+) +(\d+) +(\S.*)$")


def ascii_env(columns):
    env = harness.environment(COLUMNS=str(columns))
    env["LC_ALL"] = "C"
    return env


def time_ms(text):
    return clock.instant(datetime.datetime.fromisoformat(text))


class Pictures(unittest.TestCase):
    def each(self, name):
        for change, (zone, middle_ms) in CHANGES.items():
            rng = rng_for(f"{name}/{change}")
            yield rng, zone, middle_ms, make_store(self, rng, middle_ms)

    def test_lanes_are_those_of_the_oracle(self):
        drawn = 0
        for rng, zone, middle_ms, db in self.each("lanes"):
            for _ in range(8):
                drawn += self.check_lanes(db, rng, zone, some_selection(rng, middle_ms))
        self.assertGreater(drawn, 50)

    def check_lanes(self, db, rng, zone, sel):
        columns = rng.choice((80, 81, 120, 237))
        args = ["--plot", "--tz", zone, "--limit", 1000, *harness.sel_args(sel)]
        result = db.run("online", *args, env=ascii_env(columns))
        self.assertEqual(result.code, 0, result)
        self.assertTrue(result.out.isascii(), result)
        rows = [m.groups() for m in map(ROW.match, result.out.decode().splitlines()) if m]
        low, high = answers.bounds(db.oracle, sel)
        lines = answers.timelines(db.oracle, sel, False, "time") if low < high else {}
        self.assertEqual(len(rows), len(lines), result)
        for (label, bar, share, outages, _), device in zip(rows, sorted(lines, key=str.encode)):
            with self.subTest(device=device, args=args, columns=columns):
                line = lines[device]
                self.assertTrue(device.endswith(label))
                self.assertEqual(bar, pictures.lane(line, low, high, len(bar)))
                self.assertEqual(share, pictures.share(line, low, high))
                self.assertEqual(int(outages), len(pictures.offline_spans(line, low, high)))
        return len(rows)

    def test_as_many_devices_are_drawn_as_sessions_were_asked_for(self):
        db = harness.Db(self)
        begin_ms = 1_700_000_000_000
        events = [
            harness.status(f"p/d{i:02}", "online", i + 1, begin_ms // 1000 + 9, time=begin_ms + 1000 * i)
            for i in range(60)
        ]
        db.ingest(harness.lines(events))
        for asked in ("--limit", "--top", "--bottom"):
            result = db.run("sessions", "--plot", asked, 50, env=ascii_env(120))
            self.assertEqual(len(re.findall(rb"^d[0-9]{2} ", result.out, re.M)), 50, result)

    def test_what_was_read_is_told_once(self):
        _, _, _, db = next(self.each("explain"))
        for drawing in (["--spark", "--every", "1d"], ["--plot"]):
            result = db.run("stats", "temperature", *drawing, "--explain")
            self.assertEqual(result.err.count(b"blocks: "), 1, result)

    def test_no_line_is_wider_than_the_screen(self):
        for rng, zone, middle_ms, db in self.each("widths"):
            for columns in (20, 21, 33, 60, 200):
                args = ["--tz", zone, *harness.sel_args(some_selection(rng, middle_ms)), "--plot"]
                for command in (
                    ["online"],
                    ["sessions"],
                    ["stats", "--every", "6h", "--by", "device"],
                    ["stats", "--every", "1d", "--bars"],
                    ["stats", "--by", "product"],
                ):
                    result = db.run(*command, *args, env=ascii_env(columns))
                    self.assertEqual(result.code, 0, result)
                    self.assertTrue(result.out.endswith(b"\n"), result)
                    self.assertNotIn(b"\x1b", result.out)
                    for line in result.out.decode().splitlines():
                        self.assertLessEqual(len(line), columns, result)

    def test_sparklines_of_several_metrics_fill_the_screen_and_no_more(self):
        least, most = 8, 60
        fitted = 0
        for rng, zone, middle_ms, db in self.each("spark-widths"):
            sel = some_selection(rng, middle_ms)
            args = ["--every", "6h", "--agg", "avg", "--spark", "--tz", zone, *harness.sel_args(sel)]
            for columns in (40, 80, 99, 120, 160, 240):
                for by in ([], ["--by", "device"]):
                    env = ascii_env(columns)
                    rows = db.query("stats", "temperature", "humidity", *args, *by, env=env)
                    texts = [row[f"{m}_spark"] for row in rows for m in ("temperature", "humidity")]
                    texts = [text.strip() for text in texts if text]
                    lengths = {text.rindex(" ") - text.index(" ") - 1 for text in texts}
                    table = db.run("stats", "temperature", "humidity", *args, *by, "--format", "table", env=env)
                    width = max(map(len, table.out.decode().splitlines()), default=0)
                    if not lengths:
                        continue
                    with self.subTest(columns=columns, args=args, by=by, lengths=lengths, width=width):
                        (length,) = lengths
                        self.assertTrue(least <= length <= most)
                        self.assertTrue(width <= columns or length == least)
                        self.assertTrue(width + 12 > columns or length == most)
                        fitted += least < length < most
        self.assertGreater(fitted, 5)

    def test_sparklines_are_those_of_the_oracle(self):
        drawn = 0
        for rng, zone, middle_ms, db in self.each("sparks"):
            for every in ("1h", "6h", "1d", "1w", "1mo"):
                drawn += self.check_sparks(db, rng, zone, some_selection(rng, middle_ms), every)
        self.assertGreater(drawn, 30)

    def check_sparks(self, db, rng, zone, sel, every):
        args = ["temperature", "--by", "device", "--every", every, "--agg", "max", "--tz", zone]
        args += harness.sel_args(sel)
        buckets = db.query("stats", *args)
        rows = db.query("stats", *args, "--spark", env=ascii_env(rng.choice((80, 200))))
        if not buckets:
            return 0
        starts = [time_ms(row["time"]) for row in buckets]
        low, high, grid = pictures.spark_axis(starts, sel, every, zone)
        for row in rows:
            mine = [(b, ms) for b, ms in zip(buckets, starts) if b["device"] == row["device"]]
            least, rest = row["temperature_spark"].lstrip().split(" ", 1)
            got, most = rest[: rest.rindex(" ")], rest[rest.rindex(" ") + 1 :]
            values = [float(b["temperature_max"]) for b, _ in mine]
            spans = [grid.bucket(ms) for _, ms in mine]
            with self.subTest(row=row, args=args, least=least, most=most):
                self.assertEqual(got, pictures.spark(values, spans, low, high, len(got)))
        return len(rows)

    def test_order_and_limit_are_about_rows_of_the_picture(self):
        for _, zone, _, db in self.each("order"):
            by_share = ["--order-by", "availability:desc", "--tz", zone]
            want = [row["device"] for row in db.query("online", *by_share)]
            result = db.run("online", "--plot", "--limit", 3, *by_share, env=ascii_env(200))
            rows = [m[1] for m in map(ROW.match, result.out.decode().splitlines()) if m]
            self.assertEqual(len(rows), min(3, len(want)), result)
            for label, device in zip(rows, want):
                self.assertTrue(device.endswith(label), result)
            hidden = f"{len(want) - 3} more devices".encode()
            self.assertEqual(hidden in result.out, len(want) > 3, result)

    def test_a_picture_and_a_format_contradict_each_other(self):
        db = make_store(self, rng_for("formats"), 1711846800000)
        for args in (["stats", "--plot", "--format", "csv"], ["stats", "--bars"], ["stats", "--spark"],
                     ["stats", "--plot", "--spark", "--every", "1h"], ["online", "--plot", "--every", "1d"],
                     ["online", "--plot", "--by", "product"], ["stats", "--plot", "--above", "3"]):  # fmt: skip
            result = db.run(*args)
            self.assertEqual((result.code, result.out), (2, b""), result)


if __name__ == "__main__":
    unittest.main()
