#!/usr/bin/env python3
"""Aggregates against the oracle: numbers of every scale, zones, fills, percentiles, many metrics."""
import unittest

import harness
from harness import Db, Selection, clock, compact, lines, reading, rng_for

BASE_MS = 1600000000000
ALL_AGGS = ("count", "sum", "avg", "min", "max", "first", "last", "spread", "stddev", "median",
            "min_time", "max_time", "twa", "p0", "p1", "p37.5", "p90", "p99.99", "p100")  # fmt: skip


def digits(rng, count):
    return str(rng.randint(10 ** (count - 1), 10**count - 1))


def number_text(rng, kind):
    """JSON numbers of one kind, written in many ways."""
    sign = rng.choice(("", "-"))
    if kind == "sensor":
        return "%s%d.%02d" % (sign, rng.randint(0, 60), rng.randint(0, 99))
    if kind == "zero":
        return sign + rng.choice(("0", "0.0", "0e5", "0.000e-300", "0E+999999", "0.5", "1"))
    if kind == "scales":
        return f"{sign}{rng.randint(0, 999)}e{rng.randint(-128, 125)}"
    if kind == "eighteen":
        text = digits(rng, 18)
        at = rng.randint(0, 18)
        text = (text[:at] or "0") + ("." + text[at:] if at < 18 else "")
        return sign + (text.lstrip("0") if text[0] == "0" and text[1:2].isdigit() else text)
    if kind == "padded":
        return f"{sign}{digits(rng, rng.randint(1, 18))}{'0' * rng.randint(0, 20)}"
    if kind == "edge":
        return sign + rng.choice(("1e127", "999999999999999999e127", "1e-128", "1.50e-127", "10e126",
                                  "0.00000000000000000000001", "123456789012345678", "1E+2", "2e-0"))  # fmt: skip
    if kind == "doubles":
        return sign + rng.choice(("1e128", "1e-129", "1234567890123456789", "0.1234567890123456789",
                                  "1.7976931348623157e308", "5e-324", "1e-400", "3.14159265358979323846",
                                  "9007199254740993.00000000001", digits(rng, 19), digits(rng, 40)))  # fmt: skip
    if kind == "mixed":
        return number_text(rng, rng.choice(("sensor", "sensor", "sensor", "doubles", "eighteen")))
    raise ValueError(kind)


EXACT_KINDS = ("sensor", "zero", "scales", "eighteen", "padded", "edge")
LOOSE_KINDS = ("doubles", "mixed")


def payload(values, ms):
    members = ",".join(f"{compact(k)}:{v}" for k, v in values.items())
    return "{%s,\"time\":%d}" % (members, ms)


class Numbers(unittest.TestCase):
    def numbers_store(self, name, kinds, rows=1200):
        rng = rng_for(name)
        db = Db(self)
        bodies = []
        for i in range(rows):
            ms = BASE_MS + rng.randint(0, 3 * 86400000)
            chosen = {k: number_text(rng, k) for k in kinds if rng.random() < 0.7} or {kinds[0]: "1"}
            if rng.random() < 0.1:
                chosen = {k: f'"{v}"' for k, v in chosen.items()}  # a string that is a number
            device = f"p{i % 3}/d{rng.randint(0, 9)}"
            bodies.append(reading(device, payload(chosen, ms), i, ms // 1000))
        db.ingest(lines(bodies[: rows // 2]))
        db.ingest(lines(bodies[rows // 2 :]))
        return rng, db

    def check_numbers(self, rng, db, kinds):
        db.check_stats(kinds, ALL_AGGS)
        for by in ("device", "product"):
            db.check_stats(kinds, ALL_AGGS, by=by)
        for _ in range(3):
            low = BASE_MS + rng.randint(0, 86400000)
            sel = Selection(low, low + rng.randint(0, 2 * 86400000))
            db.check_stats(kinds, ALL_AGGS, sel)
            db.check_stats(kinds, ALL_AGGS, sel, rng.choice(("1h", "6h", "1d")), rng.choice((None, "product")))
        db.check_log()
        db.check_last()
        db.check_small()
        db.check_verify()

    def test_exact_decimals_of_every_scale_sum_and_print_exactly(self):
        rng, db = self.numbers_store("exact", EXACT_KINDS)
        self.check_numbers(rng, db, EXACT_KINDS)

    def test_numbers_that_fit_no_decimal_are_the_nearest_doubles(self):
        rng, db = self.numbers_store("doubles", LOOSE_KINDS)
        self.check_numbers(rng, db, LOOSE_KINDS)

    def test_one_outlier_among_regular_readings_changes_nothing_else(self):
        rng = rng_for("outlier")
        db = Db(self)
        bodies = []
        for i in range(3000):
            text = "%d.%d" % (20 + i % 7, i % 10)
            if i in (1000, 2000):
                text = rng.choice(("123456789012345678", "1e100", "-1e-100", "0.000000000000000001"))
            bodies.append(reading("p/d", payload({"v": text}, BASE_MS + i * 1000), i, BASE_MS // 1000))
        db.ingest(lines(bodies))
        db.check_stats(["v"], ALL_AGGS)
        db.check_stats(["v"], ALL_AGGS, every="10m")
        db.check_log()

    def test_every_percentile_is_exact(self):
        rng = rng_for("percentiles")
        db = Db(self)
        bodies = [reading("p/d%d" % (i % 3), payload({"v": "%d.%d" % (rng.randint(-50, 50), rng.randint(0, 9))},
                  BASE_MS + i), i, BASE_MS // 1000) for i in range(997)]  # fmt: skip
        db.ingest(lines(bodies))
        aggs = ["median"] + ["p%d" % n for n in range(0, 101, 4)] + ["p%.2f" % rng.uniform(0, 100) for _ in range(10)]
        db.check_stats(["v"], aggs)
        db.check_stats(["v"], aggs, by="device")

    def test_twenty_thousand_tenths_do_not_drift(self):
        db = Db(self)
        bodies = [reading("p/d", payload({"v": "0.1"}, BASE_MS + i), i, BASE_MS // 1000) for i in range(20010)]
        db.ingest(lines(bodies))
        (row,) = db.query("stats", "v", "--agg", "sum,avg,stddev")
        self.assertEqual(row["v_sum"], "2001")
        self.assertEqual((float(row["v_avg"]), float(row["v_stddev"])), (0.1, 0.0))


class Selecting(unittest.TestCase):
    def test_default_metrics_are_temperature_and_humidity_that_the_store_has(self):
        db = Db(self)
        db.ingest(b"\n")
        db.check_stats()
        db.ingest(lines([reading("p/d", payload({"b": "1", "a": "2"}, BASE_MS), 1, BASE_MS // 1000)]))
        db.check_stats()
        db.ingest(lines([reading("p/d", payload({"humidity": "1"}, BASE_MS), 2, BASE_MS // 1000)]))
        db.check_stats()
        db.ingest(lines([reading("p/d", payload({"temperature": "1"}, BASE_MS), 3, BASE_MS // 1000)]))
        db.check_stats()

    def test_a_metric_the_store_never_saw_has_its_columns_and_a_warning(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", payload({"a": "2"}, BASE_MS), 1, BASE_MS // 1000)]))
        db.check_stats(["a", "nothing"])
        db.check_stats(["nothing"])
        db.check_stats(["nothing"], by="device")
        result = db.run("stats", "nothing", "--format", "json")
        self.assertIn(b"nothing", result.err)

    def test_groups_without_a_value_of_a_shown_metric_have_no_row(self):
        db = Db(self)
        bodies = [reading(f"p{i % 2}/d{i}", payload({"ab"[i % 2]: "1"}, BASE_MS + i * 60000), i, BASE_MS // 1000)
                  for i in range(10)]  # fmt: skip
        db.ingest(lines(bodies))
        for metrics in (["a"], ["b"], ["b", "a"], ["b", "c"]):
            for by in ("device", "product"):
                db.check_stats(metrics, by=by)
            db.check_stats(metrics, every="1m")

    def test_ranges_are_half_open(self):
        db = Db(self)
        db.ingest(lines(reading("p/d", payload({"v": i}, BASE_MS + i), i, BASE_MS // 1000) for i in range(10)))
        for low in range(-1, 11):
            for high in range(low, 11):
                if (low + high) % 3 == 0:
                    db.check_stats(["v"], ["count", "sum", "twa"], Selection(BASE_MS + low, BASE_MS + high))

    def test_aggregates_keep_the_given_order_of_metrics_and_names(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", payload({"b": "1", "a": "2"}, BASE_MS), 1, BASE_MS // 1000)]))
        db.check_stats(["b", "a"], ["max", "count", "min_time", "p50"])


class Buckets(unittest.TestCase):
    """Rows around the clock changes of 2020 and 2021."""

    CHANGES = ("2020-10-25T01:00Z", "2020-11-01T06:00Z", "2021-03-14T07:00Z", "2021-03-28T01:00Z")

    @classmethod
    def setUpClass(cls):
        rng = rng_for("buckets")
        cls.db = Db(cls)
        bodies = []
        cls.changes = [clock.read_text_time(text, None) for text in cls.CHANGES]
        for i in range(1600):
            ms = cls.changes[i % 4] + rng.randint(-30 * 3600, 30 * 3600) * 1000 + rng.choice((0, 0, 1, 999))
            ms -= ms % 1800000 if rng.random() < 0.1 else 0
            bodies.append(reading("p%d/d%d" % (i % 2, i % 5), payload({"v": rng.randint(-99, 99)}, ms), i, ms // 1000))
        cls.db.ingest(lines(bodies))

    ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "+05:30", "-09:30",
             "Australia/Lord_Howe", "America/St_Johns")  # fmt: skip
    AGGS = ("count", "sum", "avg", "first", "max_time", "twa", "p50")

    def test_elapsed_buckets_in_many_zones_over_clock_changes(self):
        for zone in self.ZONES:
            for every in ("30m", "1h", "7h", "24h", "1000m"):
                self.db.check_stats(["v"], self.AGGS, every=every, zone=zone)

    def test_calendar_buckets_in_many_zones_over_clock_changes(self):
        for zone in self.ZONES:
            for every in ("1d", "2d", "1w", "1mo", "3mo", "5w"):
                self.db.check_stats(["v"], self.AGGS, every=every, zone=zone)

    def test_buckets_of_a_cut_range_start_on_the_grid(self):
        rng = rng_for("cut")
        for zone in self.ZONES:
            low = rng.choice(self.changes) + rng.randint(-36000000, 36000000)
            sel = Selection(low, low + rng.randint(1, 86400000))
            for every in ("1h", "1d", "45m"):
                self.db.check_stats(["v"], self.AGGS, sel, every, rng.choice((None, "product")), zone=zone)

    def test_a_skipped_midnight_starts_after_the_gap(self):
        db = Db(self)
        change = clock.read_text_time("2017-10-15T03:00Z", None)
        bodies = [reading("p/d", payload({"v": i}, change + i * 1200000), i + 100, change // 1000) for i in range(-80, 80)]
        db.ingest(lines(bodies))
        for every in ("1h", "5h", "1d"):
            db.check_stats(["v"], self.AGGS, every=every, zone="America/Sao_Paulo")
        (first, *_) = db.query("stats", "v", "--every", "1d", "--tz", "America/Sao_Paulo", "--from", "@%d" % (change // 1000))
        self.assertEqual(first["time"], "2017-10-15T01:00:00.000-02:00")

    def test_fills_give_every_bucket_of_the_range_to_each_group(self):
        rng = rng_for("fill")
        db = Db(self)
        bodies = []
        for i in range(60):
            ms = BASE_MS + rng.randint(0, 40) * 600000 + rng.randint(0, 599999)
            bodies.append(reading(f"p/d{i % 3}", payload({"v": "%d.%d" % (rng.randint(0, 9), rng.randint(0, 9))}, ms), i, ms // 1000))
        db.ingest(lines(bodies))
        aggs = ("count", "sum", "min", "last", "spread", "max_time", "median")
        for fill in ("null", "zero", "prev", "linear"):
            for sel in (Selection(), Selection(BASE_MS - 5000000, BASE_MS + 30000000), Selection(to_ms=BASE_MS + 9000000),
                        Selection(from_ms=BASE_MS + 100)):  # fmt: skip
                db.check_stats(["v"], aggs, sel, "10m", rng.choice((None, "device")), fill)
            db.check_stats(["v"], ("count", "avg"), every="1h", fill=fill, zone="Asia/Kolkata")
            db.check_stats(["v"], ("max", "count"), Selection(BASE_MS, BASE_MS + 3 * 86400000), "1d", "device", fill)

    def test_a_fill_beyond_all_measure_is_refused_at_once(self):
        db = Db(self)
        db.ingest(lines([reading(f"p/d{i}", payload({"v": "1"}, BASE_MS + i), i, BASE_MS // 1000) for i in range(40)]))
        fill = ("stats", "v", "--fill", "zero", "--from", "@%d" % BASE_MS, "--by", "device", "--every")
        for every, span_ms, what in (("1ms", 20000000, "buckets to fill"), ("1s", 16000000000, "40 groups filled to 16000000")):
            result = db.run(*fill, every, "--to", "@%d" % (BASE_MS + span_ms))
            self.assertEqual(result.code, 2, result)
            self.assertEqual(result.out, b"")
            self.assertIn(what, str(result.err))


if __name__ == "__main__":
    harness.main()
