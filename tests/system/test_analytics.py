#!/usr/bin/env python3
"""Time beyond limits, excursions, reliability, comparisons of ranges and matrices, against the oracle.

Histories lie around changes of the clock in both directions: Europe/Berlin and America/New_York.
"""
import unittest
from collections import Counter
from fractions import Fraction

import harness
from harness import Db, Selection, answers, clock, lines, reading, rng_for, status
from oracle import compare, excursion, reliability

DAY_MS = 86400000
# Clocks go forward, back, and nothing happens; the instants of the changes where there are.
CHANGES = {
    "Europe/Berlin forward": ("Europe/Berlin", 1711846800000),
    "Europe/Berlin back": ("Europe/Berlin", 1729990800000),
    "America/New_York forward": ("America/New_York", 1710054000000),
    "America/New_York back": ("America/New_York", 1730613600000),
}
VALUES = (29, 30, "30.0000000000000001", 30.5, 31, 4.9, 5, "5.00", 12, "1e300", "30.000000000000000000001", -7)
EXACT_VALUES = (29, 30, "30.0000000000000001", 1e-20, 31, -4.9, 5, 123456789012345678e40)
LIMITS = [("above", "30"), ("above", "30.5"), ("below", "5"), ("below", "-3.50")]


def make_store(test, rng, middle_ms, devices=9, span_days=9, values=VALUES):
    """Random readings and events around an instant; some at the same millisecond."""
    bodies = []
    messageid = rng.randint(1, 1 << 40)
    for i in range(devices):
        device = f"p{i % 3}/d{i}"
        scale = rng.choice((400000, 3600000, DAY_MS // 3))
        times = [middle_ms + rng.randint(-span_days * DAY_MS, span_days * DAY_MS) for _ in range(6)]
        times += [middle_ms + rng.randint(-6, 6) * scale for _ in range(12)]
        for _ in range(rng.choice((0, 1, 3, 30, 60))):
            messageid += rng.choice((1, 1, 7))
            ms = rng.choice(times) + rng.choice((0, 0, 1, rng.randint(0, scale)))
            if rng.random() < 0.4:
                members = {"time": ms}
                if rng.random() < 0.5:
                    members["utcLastTime"] = ms - rng.choice((0, 500, 5000, 60000, 7200000))
                state = rng.choice(("online", "offline"))
                bodies.append(status(device, state, messageid, ms // 1000 + 60, **members))
                continue
            payload = {"ts": ms}
            if rng.random() < 0.8:
                payload["temperature"] = rng.choice(values)
            if rng.random() < 0.3:
                payload["humidity"] = rng.choice(values)
            bodies.append(reading(device, payload, messageid, ms // 1000 + 60))
    rng.shuffle(bodies)
    db = Db(test)
    db.ingest(lines(bodies))
    return db


def some_selection(rng, middle_ms):
    low = middle_ms + rng.choice((-1, 0, 1)) * rng.randint(0, 3 * DAY_MS)
    high = low + rng.choice((0, 1, 3600000, 7200000 + rng.randint(0, DAY_MS), 3 * DAY_MS, 8 * DAY_MS))
    devices = rng.choice(((), (), ("d[0-4]",)))
    return rng.choice(
        (
            Selection(low, high, devices),
            Selection(low, None, devices),
            Selection(None, high, devices),
            Selection(None, None, devices),
        )
    )


def some_limits(rng):
    """In the order of the answer: those above first."""
    return sorted(rng.sample(LIMITS, rng.randint(1, len(LIMITS))), key=lambda one: one[0])


def limit_args(limits, hold=None):
    args = []
    for side, text in limits:
        args += [f"--{side}", text]
    return args + (["--hold", f"{hold}ms"] if hold is not None else [])


class AroundChanges(unittest.TestCase):
    """Each test goes through all changes of clocks."""

    def each(self, name, values=VALUES):
        changes = list(CHANGES.items())
        for change, (zone, middle_ms) in changes[::3] if harness.SANITIZED else changes:
            rng = rng_for(f"{name}/{change}")
            yield rng, zone, middle_ms, make_store(self, rng, middle_ms, values=values)

    def test_time_beyond_limits_is_that_of_the_oracle(self):
        for rng, zone, middle_ms, db in self.each("limits"):
            for every in (None, "1d", "6h", "1h", "1w", "1mo"):
                sel = some_selection(rng, middle_ms)
                if every == "1h":
                    sel = Selection(middle_ms - DAY_MS, middle_ms + DAY_MS)
                self.check_limits(db, rng, zone, sel, every)

    def check_limits(self, db, rng, zone, sel, every):
        by = rng.choice((None, "device", "product"))
        fill = rng.choice(("none", "null")) if every else "none"
        hold = rng.choice((None, 1, 600000, 7200000, 2 * DAY_MS))
        metrics = rng.choice((["temperature"], ["humidity", "temperature"], ["temperature", "nothing"]))
        given = some_limits(rng)
        aggs = ("count", "max")
        args = [*metrics, "--agg", ",".join(aggs), "--tz", zone, *harness.sel_args(sel)]
        args += limit_args(given, hold)
        args += ["--every", every] if every else []
        args += ["--by", by] if by else []
        args += ["--fill", fill] if fill != "none" else []
        limits = [excursion.limit_of(*one) for one in given]
        want = excursion.stats_with_limits(
            db.oracle, metrics, limits, aggs, sel, every, by, fill, zone, hold
        )
        db.check(want, "stats", *args, zone=zone)

    def test_excursions_are_those_of_the_oracle(self):
        for rng, zone, middle_ms, db in self.each("excursions"):
            for _ in range(8):
                sel = some_selection(rng, middle_ms)
                hold = rng.choice((None, 1, 600000, 2 * DAY_MS))
                given = some_limits(rng)
                metrics = rng.choice((["temperature"], ["temperature", "humidity"]))
                limits = [excursion.limit_of(*one) for one in given]
                want = excursion.excursion_rows(db.oracle, metrics, limits, sel, hold)
                args = [*metrics, *limit_args(given, hold), *harness.sel_args(sel), "--tz", zone]
                db.check(want, "excursions", *args, zone=zone)

    def test_time_beyond_limits_adds_up_over_any_split(self):
        for rng, zone, middle_ms, db in self.each("split"):
            low, high = middle_ms - 5 * DAY_MS, middle_ms + 5 * DAY_MS
            cut = rng.randint(low, high)
            hold = rng.choice((None, 3600000))
            args = ["temperature", "--by", "device", "--fill", "null", "--every", "1mo", *limit_args(LIMITS, hold)]
            whole, left, right = (
                self.sums(db, *args, *harness.sel_args(Selection(a, b)))
                for a, b in ((low, high), (low, cut), (cut, high))
            )
            days = self.sums(db, *args, "--every", "1d", "--tz", zone, *harness.sel_args(Selection(low, high)))
            for key, total in whole.items():
                if key[1].endswith("_unknown_ms"):
                    continue  # of groups that a part does not show nothing is known in it
                self.assertEqual(total, left[key] + right[key], (key, harness.SEED))
                self.assertEqual(total, days[key], (key, harness.SEED))

    @staticmethod
    def sums(db, *args):
        out = Counter()
        for row in db.query("stats", *args):
            for key, cell in row.items():
                if key.endswith("_ms") and not key.endswith("longest_ms"):
                    out[row["device"], key] += int(cell)
        return out

    def test_beyond_and_unknown_and_the_rest_are_the_range(self):
        for _, zone, middle_ms, db in self.each("whole"):
            sel = Selection(middle_ms - 3 * DAY_MS, middle_ms + 3 * DAY_MS)
            args = ["temperature", "--tz", zone, "--every", "1d", "--fill", "null", "--by", "device"]
            there = clock.zone_of(zone)
            lengths = {
                clock.rfc3339(start, there): min(end, sel.to_ms) - max(start, sel.from_ms)
                for start, end in clock.Grid("1d", there).buckets(sel.from_ms, sel.to_ms)
            }
            rows = db.query("stats", *args, "--above", "5", "--below", "5.0", *harness.sel_args(sel))
            for row in rows:
                known = lengths[row["time"]] - int(row["temperature_unknown_ms"])
                above, below = (int(row[f"temperature_{side}_5_ms"]) for side in ("above", "below"))
                self.assertLessEqual(above + below, known, row)
                share = row["temperature_above_5_share"]
                self.assertEqual(None if share is None else float(share), above / known if known else None)
            self.assertEqual(len(rows) % len(lengths), 0)

    def test_reliability_is_that_of_the_oracle(self):
        for rng, zone, middle_ms, db in self.each("reliability"):
            for every in (None, None, "1d", "6h", "1w"):
                sel = some_selection(rng, middle_ms)
                by = rng.choice(("device", "product", "none"))
                flap = rng.choice((60000, 0, 1, 3600000))
                keep, at = rng.random() < 0.3, rng.choice(("time", "last-contact"))
                args = ["--reliability", "--by", by, "--tz", zone, *harness.sel_args(sel)]
                args += ["--every", every] if every else []
                args += harness.stale_args(keep, at)
                args += ["--flap", f"{flap}ms"] if flap != 60000 else []
                want = reliability.reliability_rows(db.oracle, sel, every, by, keep, at, zone, flap)
                db.check(want, "online", *args, zone=zone)

    def test_failures_and_repairs_add_up_over_any_split(self):
        for rng, _, middle_ms, db in self.each("failures"):
            low, high = middle_ms - 4 * DAY_MS, middle_ms + 4 * DAY_MS
            cut = rng.randint(low, high)
            whole, left, right = (
                db.query("online", "--reliability", *harness.sel_args(Selection(a, b)))
                for a, b in ((low, high), (low, cut), (cut, high))
            )
            for one, a, b in zip(whole, left, right):
                for field in ("failures", "repairs", "flaps"):
                    self.assertEqual(int(one[field]), int(a[field]) + int(b[field]), (one, harness.SEED))

    def test_online_versus_a_shifted_range_is_that_of_the_oracle(self):
        for rng, zone, middle_ms, db in self.each("online versus"):
            for shift in ("-7d", "-1w", "-1d", "+1d", "-1mo", "-1y", "-3h", "-90m"):
                sel = some_selection(rng, middle_ms)
                every = rng.choice((None, "1d", "1w", "6h"))
                if rng.random() < 0.2:
                    every, sel = "1h", Selection(middle_ms - DAY_MS, middle_ms + 2 * DAY_MS)
                by = rng.choice(("device", "product", "none"))
                args = ["--versus", shift, "--by", by, "--tz", zone, *harness.sel_args(sel)]
                args += ["--every", every] if every else []
                percents = rng.random() < 0.5
                args += ["--percent"] if percents else []

                def ask(selection):
                    return answers.online_rows(db.oracle, selection, every, by, zone=zone)

                name = None if by == "none" else by
                want = compare.versus_rows(db.oracle, sel, shift, ask, name, every, zone, percents=percents)
                db.check(want, "online", *args, zone=zone)

    def test_stats_versus_a_shifted_range_is_that_of_the_oracle(self):
        aggs = ("count", "sum", "avg", "max", "p50", "max_time")
        for rng, zone, middle_ms, db in self.each("stats versus", EXACT_VALUES):
            for shift in ("-7d", "-1w", "-1d", "+2d", "-1mo", "-5h"):
                sel = some_selection(rng, middle_ms)
                every = rng.choice((None, "1d", "1w", "1mo"))
                if rng.random() < 0.2:
                    every, sel = "1h", Selection(middle_ms - DAY_MS, middle_ms + 2 * DAY_MS)
                by = rng.choice((None, "device", "product"))
                args = ["temperature", "--agg", ",".join(aggs), "--versus", shift, "--tz", zone]
                args += harness.sel_args(sel)
                args += ["--every", every] if every else []
                args += ["--by", by] if by else []
                percents = rng.random() < 0.5
                args += ["--percent"] if percents else []

                def ask(selection):
                    return answers.stats_rows(
                        db.oracle, ("temperature",), aggs, selection, every, by, zone=zone
                    )

                want = compare.versus_rows(
                    db.oracle, sel, shift, ask, by, every, zone, zero_counts=True, takes_last=True, percents=percents
                )
                db.check(want, "stats", *args, zone=zone)

    def test_limits_versus_a_shifted_range_are_those_of_the_oracle(self):
        for rng, zone, middle_ms, db in self.each("limits versus", EXACT_VALUES):
            for shift in ("-7d", "-1d", "-1mo", "-5h"):
                sel = some_selection(rng, middle_ms)
                every = rng.choice((None, "1d", "1w"))
                by = rng.choice((None, "device", "product"))
                given = some_limits(rng)
                args = ["temperature", "--agg", "count,max", "--versus", shift, "--tz", zone]
                args += limit_args(given) + harness.sel_args(sel)
                args += ["--every", every] if every else []
                args += ["--by", by] if by else []
                limits = [excursion.limit_of(*one) for one in given]

                def ask(selection):
                    return excursion.stats_with_limits(
                        db.oracle, ["temperature"], limits, ("count", "max"), selection, every, by, zone=zone
                    )

                want = compare.versus_rows(
                    db.oracle, sel, shift, ask, by, every, zone, zero_counts=True, takes_last=True
                )
                db.check(want, "stats", *args, zone=zone)

    def test_matrices_hold_what_the_lists_hold(self):
        for rng, zone, middle_ms, db in self.each("matrix"):
            for every in ("1d", "1h", "30m", "1w", "1mo"):
                sel = Selection(middle_ms - DAY_MS, middle_ms + DAY_MS + rng.randint(0, DAY_MS))
                by = rng.choice(("device", "product", "none"))
                field = rng.choice((None, "online_ms", "sessions"))
                rows = answers.online_rows(db.oracle, sel, every, by, zone=zone)
                name = None if by == "none" else by
                want = compare.matrix_rows(rows, field or "availability", name, every, zone)
                args = ["--every", every, "--by", by, "--matrix", "--tz", zone, *harness.sel_args(sel)]
                args += ["--cell", field] if field else []
                db.check(want, "online", *args, zone=zone)
                rows = answers.stats_rows(
                    db.oracle, ("temperature",), ("avg", "max"), sel, every, "device", zone=zone
                )
                want = compare.matrix_rows(rows, "temperature_avg", "device", every, zone)
                args = ["temperature", "--agg", "avg,max", "--every", every, "--by", "device", "--matrix"]
                db.check(want, "stats", *args, "--tz", zone, *harness.sel_args(sel), zone=zone)

    def test_what_was_there_before_holds_around_changes_too(self):
        """Percentiles, times of extremes, fills and calendar buckets."""
        aggs = ("count", "p50", "p95", "p99", "p99.9", "median", "min_time", "max_time", "twa", "first")
        for rng, zone, middle_ms, db in self.each("before"):
            for every in ("1d", "1h", "1w", "1mo", "2d", "6h"):
                sel = Selection(middle_ms - 2 * DAY_MS, middle_ms + 2 * DAY_MS)
                if every not in ("1h", "6h"):
                    sel = some_selection(rng, middle_ms)
                for fill in ("none", rng.choice(("null", "zero", "prev", "linear"))):
                    by = rng.choice((None, "device", "product"))
                    db.check_stats(("temperature", "humidity"), aggs, sel, every, by, fill, zone)
                db.check_online(sel, every, rng.choice(("device", "product", "none")), zone=zone)


class Flags(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = rng_for("flags")
        cls.middle_ms = CHANGES["Europe/Berlin back"][1]
        cls.db = make_store(cls, cls.rng, cls.middle_ms, devices=12)

    def check_top(self, command, *args, field):
        rows = self.db.query(command, *args)
        for word, sign in (("top", -1), ("bottom", 1)):
            for given in ([], ["--order-by", field]):
                got = self.db.query(command, *args, f"--{word}", "3", *given)
                known = [r for r in rows if r[field] is not None]
                want = sorted(known, key=lambda r: sign * Fraction(r[field]))
                want += [r for r in rows if r[field] is None]
                self.assertEqual(got, want[:3], (command, word, given, harness.SEED))

    def test_top_and_bottom_are_order_and_limit(self):
        self.check_top("online", field="online_ms")
        self.check_top("stats", "temperature", "--by", "device", "--agg", "max", field="temperature_max")
        self.check_top("sessions", field="duration_ms")
        self.check_top("excursions", "temperature", "--above", "30", field="duration_ms")
        self.check_top("devices", field="readings")
        self.check_top("metrics", field="values")
        self.check_top("last", "temperature", field="temperature")
        self.check_top("log", field="humidity")

    def test_times_that_cannot_be_added_up_are_refused(self):
        span = ["--from", "0001-01-01", "--to", "9999-12-31"]
        db = Db(self)
        # 29,300 devices for 9,998 years: a few more than 63 bits of milliseconds hold.
        when = {"ts": 1_700_000_000_000, "t": 1}
        bodies = [reading(f"p/d{i}", when, i + 1, 1_700_000_001) for i in range(29300)]
        db.ingest(lines(bodies), oracle=False)
        for by in ("none", "product"):
            result = db.run("online", "--by", by, *span)
            self.assertEqual(result.code, 2, result)
            self.assertIn(b"narrow --from and --to", result.err)
        result = db.run("stats", "t", "--above", "3", *span)
        self.assertEqual(result.code, 2, result)
        self.assertIn(b"narrow --from and --to", result.err)
        self.assertEqual(db.run("online", "--top", "1", *span).code, 0)

    def test_pictures_refuse_what_they_do_not_show(self):
        for drawing in (["--plot"], ["--svg", "-"]):
            self.refuse("--flap", "online", *drawing, "--flap", "5m")
            self.refuse("--cell", "online", *drawing, "--cell", "stale")
            self.refuse("--by", "online", *drawing, "--by", "dozen")
            self.refuse("--hold", "stats", "temperature", *drawing, "--hold", "1h")
            self.refuse("--no-header", "stats", "temperature", *drawing, "--no-header")
        self.refuse("--hold", "stats", "--every", "1d", "--spark", "--hold", "1h")

    def refuse(self, word, *args):
        result = self.db.run(*args)
        self.assertEqual(result.code, 2, result)
        self.assertIn(word.encode(), result.err, result)
        self.assertEqual(result.out, b"", result)

    def test_contradictions_are_usage_errors(self):
        self.refuse("leave out --limit", "online", "--top", "3", "--limit", "4")
        self.refuse("give one", "online", "--top", "3", "--bottom", "4")
        self.refuse("the field alone", "online", "--top", "3", "--order-by", "online_ms:desc")
        self.refuse("no figure", "rejects", "--top", "3")
        self.refuse("--top", "online", "--top", "many")
        self.refuse("metric", "stats", "--above", "30")
        self.refuse("is no number", "stats", "temperature", "--above", "warm")
        self.refuse("no limit", "excursions", "temperature")
        self.refuse("--hold", "stats", "temperature", "--hold", "1h")
        self.refuse("--hold", "stats", "temperature", "--above", "1", "--hold", "0s")
        self.refuse("--every", "online", "--matrix")
        self.refuse("--matrix", "online", "--every", "1d", "--cell", "online_ms")
        self.refuse("no figure 'nothing'", "online", "--every", "1d", "--matrix", "--cell", "nothing")
        self.refuse("--versus", "online", "--versus", "-7x")
        self.refuse("--percent is about --versus", "online", "--percent")
        self.refuse("same time", "online", "--versus", "-0d")
        self.refuse("years", "online", "--versus", "-999999mo")
        self.refuse("--reliability", "online", "--flap", "5m")
        self.refuse("--flap", "online", "--reliability", "--flap", "soon")
        self.refuse("--follow", "log", "--tail", "3")
        self.refuse("--follow", "log", "--interval", "1s")
        self.refuse("--top", "log", "--follow", "--top", "3")
        self.refuse("--bottom", "log", "--follow", "--bottom", "3")
        self.refuse("more than 1000", "online", "--every", "1s", "--matrix", "--by", "none")
        self.refuse("--by", "rejects", "--by", "day")
        self.refuse("at most", "stats", "t", *(a for i in range(17) for a in ("--above", str(i))))

    def test_versus_an_absolute_start_is_the_shift_to_it(self):
        args = ["online", "--tz", "Europe/Berlin", "--from", "2024-10-26", "--to", "2024-10-29"]
        shifted = self.db.query(*args, "--every", "1d", "--versus", "-7d")
        self.assertEqual(self.db.query(*args, "--every", "1d", "--versus", "2024-10-19"), shifted)
        self.assertEqual(
            self.db.query(*args, "--versus", "2024-10-25 21:00"), self.db.query(*args, "--versus", "-3h")
        )
        self.refuse("the range itself begins", *args, "--versus", "2024-10-26")

    def test_names_of_figures_do_not_collide(self):
        db = Db(self)
        values = {"t": 31, "t_above_30": 5, "t_above_30_ms": 6, "t_unknown": 1}
        db.ingest(lines([reading("p/d", {**values, "ts": 1600000000000}, 1, 1600000001)]))
        row = db.query("stats", *values, "--above", "30", "--above", "30.0", "--agg", "max")[0]
        self.assertEqual(len(row), len(values) * 6)
        row = db.query("stats", "t", "t_above_30", "--agg", "max", "--versus", "-1d")[0]
        self.assertIn("t_above_30_max_before", row)

    def test_an_empty_store_answers(self):
        db = Db(self)
        db.ingest(b"")
        self.assertEqual(db.query("excursions", "t", "--above", "3"), [])
        row = db.query("stats", "t", "--agg", "count,max", "--above", "3", "--versus", "-1d")[0]
        self.assertEqual(str(row["t_count"]), "0")
        self.assertIsNone(row["t_max_change"])
        self.assertEqual(db.query("online", "--reliability", "--versus", "-1d"), [])
        self.assertEqual(db.query("online", "--every", "1d", "--matrix"), [])
        for which in ("--top", "--bottom"):
            self.assertEqual(db.query("online", "--every", "1d", "--matrix", which, "3"), [])
            self.assertEqual(db.query("stats", "t", "--every", "1d", "--matrix", which, "3"), [])
        self.assertEqual(db.query("rejects", "--by", "reason"), [])

    def test_rejects_are_counted_by_reason(self):
        db = Db(self)
        bodies = [b"{", b"[1", b"{}", *(harness.envelope("odd", {}, i, 1600000000) for i in range(1, 6))]
        bodies += [harness.envelope("upload", {"a": "x"}, 77, 1600000000, "/p/d/u")]
        db.ingest(lines(bodies))
        rows = db.query("rejects", "--by", "reason")
        want = Counter(one.reason for one in db.oracle.rejects)
        got = {row["reason"]: int(row["count"]) for row in rows}
        self.assertEqual(got, dict(want))
        self.assertEqual([(r["reason"]) for r in rows], sorted(got, key=lambda w: (-got[w], w)))
        plain = db.query("rejects")
        for row in rows:
            of_reason = [one for one in plain if one["reason"] == row["reason"]]
            arrivals = sorted(one["received_at"] for one in of_reason)
            self.assertEqual((row["first"], row["last"]), (arrivals[0], arrivals[-1]))
            ids = [one["messageid"] for one in of_reason if one["messageid"] is not None]
            self.assertEqual(row["messageid"], ids[-1] if ids else None)
        self.assertEqual(db.query("rejects", "--by", "reason", "--to", "2000-01-01"), [])


if __name__ == "__main__":
    harness.main()
