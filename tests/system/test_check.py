#!/usr/bin/env python3
"""`gaps` and `check` against the oracle; every rule just below and just above its limit; the commands
that findings show, pasted into bash."""
import os
import subprocess
import unittest
from fractions import Fraction

import harness
from harness import Db, Selection, bin_dir, clock, environment, lines, rng_for, snowflake
from harness import envelope, reading, status
from oracle.findings import DAY, HOUR, MINUTE, Finder, Limits
from oracle.gaps import gap_list_rows, gap_rows

BASE_MS = 1700000000000
FIELDS = ["severity", "kind", "device", "metric", "first", "last", "count", "evidence", "more"]


class Ids:
    """Snowflakes of a time, each another."""

    def __init__(self):
        self.count = 0

    def at(self, ms):
        self.count += 1
        return snowflake(ms, self.count >> 12 & 1023, self.count & 4095)


def value(device, ids, ms, sent_ms=None, **values):
    sent_ms = ms if sent_ms is None else sent_ms
    return reading(device, {**values, "time": ms}, ids.at(sent_ms), sent_ms // 1000)


def event(device, ids, ms, state, contact_ms=None):
    more = {} if contact_ms is None else {"utcLastTime": contact_ms}
    return status(device, state, ids.at(ms), ms // 1000, utcTime=ms, **more)


def steady(device, ids, count, step=MINUTE, start=BASE_MS, metric="x", values=None):
    """Readings that move by 1 each, of a metric that has no range."""
    values = values or [i % 7 for i in range(count)]
    return [value(device, ids, start + i * step, **{metric: v}) for i, v in enumerate(values)]


def found(db, *args):
    """Findings without words, and the exit code."""
    result = db.run("check", *args, "--format", "json")
    if result.code not in (0, 1):
        raise AssertionError(repr(result))
    rows = harness.parse_json(result.out)
    out = []
    for row in rows:
        if list(row) != FIELDS:
            raise AssertionError(f"fields {list(row)}")
        out.append((*(row[f] for f in FIELDS[:6]), int(row["count"])))
    if "--limit" not in args and (result.code == 1) != any(one[0] == "error" for one in out):
        raise AssertionError(f"exit {result.code} with {out}")
    return rows, out


def time_text(ms):
    return None if ms is None else clock.rfc3339(ms, clock.timezone.utc)


def compare_findings(test, db, sel=Selection(), limits=None, args=()):
    _, got = found(db, *harness.sel_args(sel), *args)
    got = [one for one in got if not one[1].startswith("rejects")]
    want = [
        (*one[:4], time_text(one[4]), time_text(one[5]), one[6])
        for one in Finder(db.oracle, sel, limits).all()
    ]
    test.assertEqual(got, want, f"seed {harness.SEED}, {sel}, {args}")
    return got


# --- random histories --------------------------------------------------------------------------


class History:
    """A device with habits, some of them bad."""

    def __init__(self, rng, device, ids, quiet=()):
        self.rng, self.device, self.ids = rng, device, ids
        # Most keep to the times at which all are quiet, some for longer than the others.
        late = rng.choice((0, 0, 0, 0, MINUTE, 5 * HOUR))
        self.quiet = [(low, high + late) for low, high in quiet if rng.random() < 0.9]
        self.step = rng.choice((5 * 1000, MINUTE, MINUTE, 10 * MINUTE, HOUR))
        self.offset = rng.choice((0, 0, 0, 0, rng.randint(0, 2 * HOUR), -rng.randint(0, 2 * HOUR)))
        self.names = rng.sample(("temperature", "env.humidity", "rh", "x", "soil_temp", "温度"), 2)

    def values(self, count):
        rng = self.rng
        level, low = rng.choice((20, 99, 121)), rng.choice((0.1, 0.5, 1))
        out = []
        frozen = 0
        for _ in range(count):
            if frozen == 0 and rng.random() < 0.01:
                frozen = rng.choice((10, 29, 30, 31, 100))
            if frozen:
                frozen -= 1
            else:
                level += rng.choice((-1, 1, 1, -1, 0)) * low
            out.append(round(level + (rng.choice((10, -9, 500)) if rng.random() < 0.01 else 0), 2))
        return out

    def messages(self):
        rng, ids = self.rng, self.ids
        out = []
        ms = BASE_MS + rng.randint(0, HOUR)
        count = rng.choice((0, 1, 5, 30, 60, 120, 200))
        columns = [self.values(count) for _ in self.names]
        for i in range(count):
            ms += self.step + rng.randint(0, 50)
            if rng.random() < 0.03:
                ms += rng.choice((3, 5, 6, 40)) * self.step
            values = {n: c[i] for n, c in zip(self.names, columns) if rng.random() < 0.95}
            if any(low <= ms < high for low, high in self.quiet):
                continue
            own = {"time": ms + self.offset} if rng.random() < 0.95 else {}
            if rng.random() < 0.01:
                own = {"time": ms + 2 * DAY}
            out.append(reading(self.device, {**values, "n": i, **own}, ids.at(ms), ms // 1000))
        out += self.events()
        return out

    def events(self):
        rng, ids = self.rng, self.ids
        ms = BASE_MS + rng.randint(0, DAY)
        out = []
        for _ in range(rng.choice((0, 0, 1, 4, 30, 60))):
            contact = rng.choice((None, ms - rng.choice((0, 500, 1001, MINUTE))))
            out.append(event(self.device, ids, ms, rng.choice(("online", "offline")), contact))
            ms += rng.choice((1000, 1000, MINUTE, 10 * MINUTE, 5 * HOUR, 5 * HOUR, 25 * HOUR))
        return out


def make_store(test, name, devices=60):
    rng = rng_for(name)
    ids = Ids()
    bodies = []
    quiet = [(low, low + rng.choice((11 * MINUTE, HOUR, 3 * HOUR)))
             for low in (BASE_MS + rng.randint(HOUR, 40 * HOUR) for _ in range(rng.choice((0, 2, 8))))]  # fmt: skip
    for i in range(devices):
        bodies += History(rng, f"p{i % 3}/d{i}", ids, quiet).messages()
    rng.shuffle(bodies)
    db = Db(test)
    db.ingest(lines(bodies[::2]))
    db.ingest(lines(bodies[1::2]))
    return rng, db


def some_range(rng):
    low = BASE_MS + rng.randint(0, 2 * DAY)
    high = low + rng.choice((0, 1, HOUR, DAY, 5 * DAY))
    return Selection(rng.choice((None, low)), rng.choice((None, high)), rng.choice(((), ("d1*",))))


class Random(unittest.TestCase):
    def test_gaps_equal_the_oracle(self):
        rng, db = make_store(self, "gaps")
        for _ in range(4):
            for metrics in ((), ("temperature",), ("rh", "x"), ("nobody",)):
                sel = some_range(rng)
                args = [*metrics, *harness.sel_args(sel)]
                db.check(gap_rows(db.oracle, metrics, sel), "gaps", *args)
                db.check(gap_list_rows(db.oracle, metrics, sel), "gaps", "--list", *args)
                for text, factor in (("1", 1), ("2.5", Fraction(5, 2)), ("0.001", Fraction(1, 1000))):
                    want = gap_list_rows(db.oracle, metrics, sel, factor)
                    db.check(want, "gaps", "--list", "--factor", text, *args)
                want = gap_rows(db.oracle, metrics, sel, longer_than=90000)
                db.check(want, "gaps", "--longer-than", "1m30s", *args)
                want = gap_list_rows(db.oracle, metrics, sel, longer_than=90000)
                db.check(want, "gaps", "--longer-than", "90s", "--list", *args)

    def test_findings_equal_the_oracle(self):
        seen = set()
        for part in range(2 if harness.SANITIZED else 3):
            rng, db = make_store(self, f"findings-{part}")
            seen |= {one[1] for one in compare_findings(self, db)}
            for _ in range(4):
                compare_findings(self, db, some_range(rng))
            strict = Limits(
                ranges=[("*", None, Fraction(30)), ("env.*", Fraction(21, 2), Fraction(90))],
                frozen_ms=MINUTE, frozen_readings=3, jump_milli=1500, gap_milli=1000, gap_least_ms=0,
                silent_ms=1000, flap_sessions=2, flap_ms=MINUTE + 1, clock_ms=1000,
                together=(2, 20), still_ms=HOUR, offline_ms=HOUR + 1, unstable_milli=1250, unstable_failures=3,
            )  # fmt: skip
            args = ["--range", "*=..30", "--range", "env.*=10.5..90", "--frozen", "3/1m", "--jump", "1.5"]
            args += ["--gap", "1/0", "--silent", "1s", "--flaps", "2/60001ms", "--clock", "1s"]
            args += ["--offline", "3600001ms", "--unstable", "1.25/3", "--together", "2/20", "--still", "1h"]
            seen |= {one[1] for one in compare_findings(self, db, limits=strict, args=args)}
            compare_findings(self, db, some_range(rng), strict, args)
        kinds = {"out-of-range", "frozen", "silent", "gap", "flapping", "jump", "clock-off", "clock-fault"}
        kinds |= {"silent-together", "offline", "unstable", "offline-without-online", "stale-offline"}
        self.assertLessEqual(kinds, seen)


# --- limits ------------------------------------------------------------------------------------


class Limit(unittest.TestCase):
    """Each rule on a history just below its limit and on one just above."""

    def kinds(self, bodies, *args):
        db = Db(self)
        db.ingest(lines(bodies))
        rows, got = found(db, *args)
        compare_findings(self, db) if not args else None
        return {(one[0], one[1]) for one in got}, rows

    def assert_only_above(self, below, above, kind, severity, *args):
        self.assertNotIn(kind, {k for _, k in self.kinds(below, *args)[0]})
        self.assertIn((severity, kind), self.kinds(above, *args)[0])

    def test_a_value_at_the_end_of_its_range_is_in_it(self):
        ids = Ids()
        for name, low, high in (("temperature", "-60", "125"), ("a.b.RH", "0", "100")):
            inside = [value("p/d", ids, BASE_MS, **{name: harness.Num(t)}) for t in (low, high)]
            for text in (low + ".001" if low[0] == "-" else "-0.001", high + ".001"):
                outside = [value("p/d", ids, BASE_MS, **{name: float(text)})]
                self.assert_only_above(inside, outside, "out-of-range", "warning")

    def test_far_beyond_its_range_a_value_is_an_error(self):
        ids = Ids()
        near, far = ([value("p/d", ids, BASE_MS, humidity=v)] for v in (105, 105.01))
        self.assertEqual(self.kinds(near)[0], {("warning", "out-of-range")})
        self.assertEqual(self.kinds(far)[0], {("error", "out-of-range")})

    def test_names_decide_what_is_a_temperature(self):
        ids = Ids()
        for name in ("temperature", "Temperature", "env.temp", "indoor-temperature2", "TEMP", "室温度"):
            self.assertTrue(self.kinds([value("p/d", ids, BASE_MS, **{name: 1000})])[0], name)
        for name in ("colorTemperature", "tempo", "attempts", "temperature.raw", "absoluteHumidity", "rhx"):
            self.assertFalse(self.kinds([value("p/d", ids, BASE_MS, **{name: 1000})])[0], name)

    def test_ranges_asked_for_come_first(self):
        ids = Ids()
        bodies = [value("p/d", ids, BASE_MS, temperature=90, x=5)]
        self.assertFalse(self.kinds(bodies)[0])
        self.assertTrue(self.kinds(bodies, "--range", "temperature=-40..85")[0])
        self.assertTrue(self.kinds(bodies, "--range", "x=6..")[0])
        self.assertFalse(self.kinds(bodies, "--range", "x=6..", "--range", "[x]=..5")[0])

    def frozen(self, stands, step=12 * MINUTE + 1000):
        """50 readings that move, then some that do not."""
        values = [i % 7 for i in range(50)] + [3.5] * stands
        return steady("p/d", Ids(), 0, step, values=values)

    def test_frozen_needs_so_many_readings_and_so_long(self):
        self.assert_only_above(self.frozen(29, 20 * MINUTE), self.frozen(30, 20 * MINUTE), "frozen", "error")
        # 31 readings 12 minutes apart are 6 hours.
        self.assert_only_above(self.frozen(31, 12 * MINUTE - 1), self.frozen(31, 12 * MINUTE), "frozen", "error")

    def test_frozen_in_the_past_is_a_warning(self):
        bodies = steady("p/d", Ids(), 0, HOUR, values=[i % 7 for i in range(50)] + [3] * 40 + [4])
        self.assertEqual(self.kinds(bodies)[0], {("warning", "frozen")})

    def test_a_metric_that_hardly_moves_is_not_frozen(self):
        slow = [i // 4 for i in range(60)] + [99] * 40
        quick = [i // 3 for i in range(60)] + [99] * 40
        self.assert_only_above(
            steady("p/d", Ids(), 0, HOUR, values=slow), steady("p/d", Ids(), 0, HOUR, values=quick), "frozen", "error"
        )

    def test_what_never_moved_is_frozen_where_it_moves_on_two_others(self):
        def fleet(others):
            ids = Ids()
            bodies = steady("p/still", ids, 0, HOUR, values=[7] * 50)
            for i in range(others):
                bodies += steady(f"p/d{i}", ids, 50, HOUR)
            return bodies

        self.assert_only_above(fleet(1), fleet(2), "frozen", "warning")

    def test_saturated_air_is_a_note(self):
        values = [95 + i % 5 for i in range(50)] + [100] * 40
        bodies = steady("p/d", Ids(), 0, HOUR, metric="humidity", values=values)
        self.assertEqual(self.kinds(bodies)[0], {("note", "frozen")})

    def jump(self, size, changes=60, pause=MINUTE):
        values = [i % 2 for i in range(changes)]
        times = [BASE_MS + i * MINUTE for i in range(changes)]
        ids = Ids()
        bodies = [value("p/d", ids, t, x=v) for t, v in zip(times, values)]
        return bodies + [value("p/d", ids, times[-1] + pause, x=values[-1] + size)]

    def test_a_jump_is_more_than_ten_times_the_usual_change(self):
        self.assert_only_above(self.jump(10), self.jump(10.001), "jump", "warning")
        self.assert_only_above(self.jump(3), self.jump(3.001), "jump", "warning", "--jump", "3")

    def test_jumps_need_fifty_changes_and_no_pause(self):
        self.assert_only_above(self.jump(50, 49), self.jump(50, 50), "jump", "warning")
        # A pause of two hours still shows what happened; more does not.
        late, soon = self.jump(50, pause=2 * HOUR + 1), self.jump(50, pause=2 * HOUR)
        self.assert_only_above(late, soon, "jump", "warning", "--gap", "0")

    def gap(self, length, count=41):
        bodies = steady("p/d", ids := Ids(), count)
        return bodies + steady("p/d", ids, 3, start=BASE_MS + (count - 1) * MINUTE + length)

    def test_a_gap_is_longer_than_ten_minutes_and_five_usual_intervals(self):
        self.assert_only_above(self.gap(10 * MINUTE), self.gap(10 * MINUTE + 1), "gap", "warning")
        self.assert_only_above(self.gap(5 * MINUTE), self.gap(5 * MINUTE + 1), "gap", "warning", "--gap", "5/0")
        self.assert_only_above(self.gap(HOUR), self.gap(HOUR + 1), "gap", "warning", "--gap", "5/1h")

    def test_gaps_need_twenty_intervals(self):
        # The gap and what follows are three intervals more.
        self.assert_only_above(self.gap(HOUR, 17), self.gap(HOUR, 18), "gap", "warning", "--gap", "2")

    def test_a_gap_while_offline_is_none(self):
        bodies, ids = self.gap(2 * HOUR), Ids()
        at = BASE_MS + 40 * MINUTE
        gone = [event("p/d", ids, BASE_MS - 1, "online"), event("p/d", ids, at + 1, "offline")]
        back = [event("p/d", ids, at + 2 * HOUR, "online")]
        self.assertFalse(self.kinds(bodies + gone + back)[0])
        self.assertEqual(self.kinds(bodies + gone[:1])[0], {("warning", "silent")})

    def test_a_gap_that_lasts_is_an_error(self):
        bodies = steady("p/d", ids := Ids(), 41) + [value("p/e", ids, BASE_MS + 50 * MINUTE, x=1)]
        self.assertFalse(self.kinds(bodies)[0])
        bodies.append(value("p/e", ids, BASE_MS + 50 * MINUTE + 1, x=1))
        self.assertEqual(self.kinds(bodies)[0], {("error", "gap")})

    def fleet(self, devices, quiet, length=2 * HOUR, late=0):
        """Devices that send every two minutes for 12 h; the first `quiet` do not for `length` from 3 h on."""
        ids = Ids()
        out = []
        for i in range(devices):
            for at in range(0, 12 * HOUR, 2 * MINUTE):
                until = 3 * HOUR + length + (late if i == 0 else 0)
                if i >= quiet or not 3 * HOUR < at < until:
                    out.append(value(f"p/d{i:02}", ids, BASE_MS + at + i * 1000, x=at % 7))
        return out

    def test_most_devices_that_fall_silent_together_are_one_finding(self):
        self.assert_only_above(self.fleet(9, 4), self.fleet(9, 5), "silent-together", "warning")
        self.assert_only_above(self.fleet(10, 5), self.fleet(10, 6), "silent-together", "warning")
        self.assert_only_above(self.fleet(3, 1), self.fleet(3, 2), "silent-together", "warning", "--together", "2/60")
        rows, got = found(self.together_store(self.fleet(9, 7)))
        self.assertEqual([(*one[:3], one[6]) for one in got], [("warning", "silent-together", None, 7)])
        self.assertIn("7 of 9 devices silent from ", rows[0]["evidence"])

    def together_store(self, bodies):
        db = Db(self)
        db.ingest(lines(bodies))
        return db

    def test_all_silences_can_be_seen(self):
        db = self.together_store(self.fleet(9, 7))
        for args in (["--together", "0"], ["--kind", "gap"], ["--kind", "gap", "--kind", "silent"]):
            self.assertEqual([one[1] for one in found(db, *args)[1]], ["gap"] * 7, args)
        compare_findings(self, db, limits=Limits(together=(0, 50)), args=["--together", "0"])

    def test_silence_of_most_that_lasts_is_an_error(self):
        db = self.together_store(self.fleet(9, 9, length=DAY))
        self.assertEqual(found(db)[1], [])
        for to_ms, kinds in ((3 * HOUR + 11 * MINUTE, 9), (3 * HOUR + 10 * MINUTE, 0)):
            got = compare_findings(self, db, Selection(to_ms=BASE_MS + to_ms))
            self.assertEqual([(*one[:2], one[6]) for one in got], [("error", "silent-together", 9)] if kinds else [])

    def test_who_stays_away_for_much_longer_is_told_apart(self):
        def history(late):
            return self.fleet(9, 9, length=3 * HOUR, late=late)

        self.assert_only_above(history(2 * HOUR), history(4 * HOUR), "gap", "warning")
        rows, got = found(self.together_store(history(4 * HOUR)))
        self.assertEqual([(one[1], one[2], one[6]) for one in got], [("silent-together", None, 8), ("gap", "p/d00", 1)])

    def still(self, still, moves, days=3, count=4, metric="x"):
        """One device that stands, beside some whose values are these, every ten minutes."""
        ids = Ids()
        steps = days * DAY // (10 * MINUTE)
        bodies = steady("p/still", ids, 0, 10 * MINUTE, metric=metric, values=[still] * steps)
        for i in range(count):
            values = [moves(at * 10 // 60 // (i % 2 + 1)) for at in range(steps)]
            bodies += steady(f"p/d{i}", ids, 0, 10 * MINUTE, metric=metric, values=values)
        return bodies

    def test_what_never_moved_is_held_against_the_longest_stretches_of_others(self):
        def slow(hours):
            return lambda hour: hour // hours % 6

        # The longest stretches are of 7 and 14 hours, but for the ten minutes to the next reading.
        self.assert_only_above(self.still(3, slow(8), 3), self.still(3, slow(7), 3), "frozen", "warning", "--jump", "0")

    def test_what_is_the_same_on_all_is_not_frozen(self):
        for moves in (lambda _: 3, lambda hour: hour // 3 % 4):
            self.assertFalse(self.kinds(self.still(3, moves))[0])

    def test_finer_values_do_not_tell_of_coarse_ones(self):
        ids = Ids()
        coarse = steady("p/c1", ids, 0, HOUR, values=[i // 24 for i in range(24 * 9)])
        coarse += steady("p/c2", ids, 0, HOUR, values=[i // 24 for i in range(24 * 9)])
        for i in range(9):
            coarse += steady(f"p/f{i}", ids, 0, HOUR, values=[j // 6 % 9 + 0.5 for j in range(24 * 9)])
        still = steady("p/still", ids, 0, HOUR, values=[20] * 24 * 3)
        fine = steady("p/still", ids, 0, HOUR, values=[20.5] * 24 * 3)
        self.assert_only_above(coarse + still, coarse + fine, "frozen", "warning", "--jump", "0", "--gap", "0")

    def test_alone_a_temperature_that_stands_for_a_week_is_frozen(self):
        def alone(hours, metric):
            return steady("p/d", Ids(), 0, HOUR, metric=metric, values=[21] * (hours + 1))

        week = 7 * 24
        self.assert_only_above(alone(week - 1, "temperature"), alone(week, "temperature"), "frozen", "warning")
        self.assert_only_above(alone(47, "rh"), alone(48, "rh"), "frozen", "warning", "--still", "2d")
        self.assertFalse(self.kinds(alone(week, "x"))[0])
        self.assertFalse(self.kinds(alone(week, "rh"), "--still", "0")[0])

    def test_silent_is_online_for_half_an_hour_without_a_reading(self):
        def history(length):
            ids = Ids()
            until = BASE_MS + length
            out = [event("p/d", ids, BASE_MS, "online"), value("p/d", ids, BASE_MS, x=1)]
            return out + [event("p/d", ids, until, "offline"), value("p/e", ids, until + DAY, x=1)]

        self.assert_only_above(history(30 * MINUTE), history(30 * MINUTE + 1), "silent", "warning")

    def test_online_without_any_reading_is_suspect_beside_others(self):
        ids = Ids()
        alone = [event("p/d", ids, BASE_MS, "online"), event("q/d", ids, BASE_MS + DAY, "offline")]
        self.assertFalse(self.kinds(alone)[0])
        beside = alone + [value("p/e", ids, BASE_MS + DAY, x=1)]
        self.assertEqual(self.kinds(beside)[0], {("error", "silent")})

    def sessions(self, count, length):
        """So many sessions whose first and last begin so far apart."""
        ids = Ids()
        out = []
        for i in range(count):
            at = BASE_MS + length * i // (count - 1)
            out += [event("p/d", ids, at, "online"), event("p/d", ids, at + 1000, "offline")]
        return out

    def test_flapping_is_five_sessions_that_begin_within_an_hour(self):
        self.assert_only_above(self.sessions(5, HOUR), self.sessions(5, HOUR - 1), "flapping", "warning")
        self.assert_only_above(self.sessions(4, MINUTE), self.sessions(5, MINUTE), "flapping", "warning")

    def outage(self, length, *more):
        """Online, offline for so long, and online again."""
        ids = Ids()
        times = [BASE_MS, BASE_MS + HOUR, BASE_MS + HOUR + length, BASE_MS + 9 * DAY]
        states = ["online", "offline", "online", "online"]
        return [event("p/d", ids, ms, state) for ms, state in zip(times, states)] + list(more)

    def test_offline_is_an_outage_of_more_than_a_day(self):
        self.assert_only_above(self.outage(DAY), self.outage(DAY + 1), "offline", "warning")
        self.assert_only_above(self.outage(HOUR), self.outage(HOUR + 1), "offline", "warning", "--offline", "1h")

    def test_offline_to_the_end_is_an_error(self):
        def history(length):
            ids = Ids()
            gone = [event("p/d", ids, BASE_MS, "offline")]
            return gone + [event("q/d", ids, BASE_MS + length, "online")]

        self.assert_only_above(history(DAY), history(DAY + 1), "offline", "error")
        # An event at the very end says that it is back.
        back = history(DAY + 1) + [event("p/d", Ids(), BASE_MS + DAY + 1, "online")]
        self.assertEqual(self.kinds(back)[0], {("warning", "offline")})

    def test_an_outage_counts_from_its_beginning_before_the_range(self):
        db = Db(self)
        db.ingest(lines(self.outage(3 * DAY)))
        for hours in (2, 30, 72, 73, 74):
            for until in (None, *(u for u in (71, 72, 73, 74) if u >= hours)):
                to_ms = None if until is None else BASE_MS + until * HOUR
                compare_findings(self, db, Selection(BASE_MS + hours * HOUR, to_ms))
        sel = Selection(BASE_MS + 30 * HOUR, BASE_MS + 31 * HOUR)
        got = compare_findings(self, db, sel)
        self.assertEqual([(*one[:2], one[4]) for one in got], [("error", "offline", time_text(BASE_MS + HOUR))])

    def drops(self, device, count, days=14, ids=None):
        """So many short outages, evenly over so many days, at both ends of which it is online."""
        ids = ids or Ids()
        out = [event(device, ids, BASE_MS, "online")]
        for i in range(count):
            at = BASE_MS + (i + 1) * days * DAY // (count + 1)
            out += [event(device, ids, at, "offline"), event(device, ids, at + 1000, "online")]
        return out + [value(device, ids, BASE_MS + days * DAY, x=1)]

    def test_unstable_is_more_than_five_times_a_week(self):
        off = ("--silent", "0")
        self.assert_only_above(self.drops("p/d", 10), self.drops("p/d", 11), "unstable", "warning", *off)
        self.assert_only_above(self.drops("p/d", 9, 7), self.drops("p/d", 10, 7), "unstable", "warning", *off)
        few = ("--unstable", "1/2", *off)
        self.assert_only_above(self.drops("p/d", 1, 2), self.drops("p/d", 2, 2), "unstable", "warning", *few)
        self.assert_only_above(self.drops("p/d", 2), self.drops("p/d", 3), "unstable", "warning", *few)

    def test_unstable_is_more_than_five_times_what_the_median_of_the_product_is(self):
        def fleet(count, usual):
            ids = Ids()
            out = self.drops("p/bad", count, ids=ids)
            for i in range(2):
                out += self.drops(f"p/d{i}", usual, ids=ids)
            return out + self.drops("q/d", 0, ids=ids) + self.drops("p/never", 0, ids=ids)

        off = ("--silent", "0")
        # Four devices: the lower median is the second.
        self.assert_only_above(fleet(15, 3), fleet(16, 3), "unstable", "warning", *off)
        # Once a week is usual at least.
        self.assert_only_above(fleet(10, 1), fleet(11, 1), "unstable", "warning", *off)

    def test_of_two_devices_the_better_one_is_the_measure(self):
        ids = Ids()
        bodies = self.drops("p/a", 40, ids=ids) + self.drops("p/b", 4, ids=ids)
        rows = self.kinds(bodies, "--kind", "unstable")[1]
        self.assertEqual([(row["device"], int(row["count"])) for row in rows], [("p/a", 40)])
        self.assertIn("20 times a week; the median of 2 devices of its product is 2", rows[0]["evidence"])

    def test_a_clock_is_ahead_by_more_than_five_minutes(self):
        def history(by):
            return [value("p/d", Ids(), BASE_MS + by, BASE_MS, x=1)]

        self.assert_only_above(history(5 * MINUTE), history(5 * MINUTE + 1), "clock-off", "warning")

    def test_a_clock_is_behind_if_no_reading_comes_sooner(self):
        def history(best):
            ids = Ids()
            late = [value("p/d", ids, BASE_MS + i * MINUTE, BASE_MS + i * MINUTE + HOUR, x=1) for i in range(9)]
            return late + [value("p/d", ids, BASE_MS + HOUR, BASE_MS + HOUR + best, x=1)]

        self.assert_only_above(history(5 * MINUTE), history(5 * MINUTE + 1), "clock-off", "warning")

    def test_broken_clocks_are_told_of_the_store_and_of_the_device(self):
        ids = Ids()
        bodies = steady("p/d", ids, 3)
        bodies.append(reading("p/d", {"x": 1, "time": 12345}, ids.at(BASE_MS + DAY), BASE_MS // 1000 + DAY // 1000))
        db = Db(self)
        db.ingest(lines(bodies))
        got = [one for one in compare_findings(self, db) if one[1] == "clock-fault"]
        self.assertEqual([one[2] for one in got], [None, "p/d"])

    def test_offline_again_without_online_is_told(self):
        ids = Ids()
        first = [event("p/d", ids, BASE_MS, "offline")]
        again = first + [event("p/d", ids, BASE_MS + MINUTE, "offline")]
        self.assert_only_above(first, again, "offline-without-online", "warning")
        restates = again + [event("p/d", ids, BASE_MS + HOUR * i, "online") for i in (1, 2)]
        self.assertNotIn("offline-without-online", {k for _, k in self.kinds(restates)[0]})

    def test_stale_offscriptare_one_note(self):
        def history(late):
            ids = Ids()
            on = [event(f"p/{d}", ids, BASE_MS, "online") for d in "de"]
            return on + [event(f"p/{d}", ids, BASE_MS + 9, "offline", BASE_MS - late) for d in "de"]

        self.assert_only_above(history(1000), history(1001), "stale-offline", "note")
        self.assertEqual([int(row["count"]) for row in self.kinds(history(1001))[1]], [2])

    def test_rejects_are_told_by_reason(self):
        ids = Ids()
        bodies = steady("p/d", ids, 3) + [b"{", b"{]", envelope("upload", {}, ids.at(BASE_MS), 1700000000, "/p/d/x")]
        _, rows = self.kinds(bodies)
        words = sorted(row["evidence"].split(" not")[0] for row in rows)
        self.assertEqual(words, ["bad-json: 2 bodies", "no-numbers: 1 body"])
        self.assertFalse(self.kinds(bodies, "--device", "*")[0])


# --- what users see ----------------------------------------------------------------------------

HOSTILE = [
    "p/it's", "p/$(touch hurt)", "p/`id`", 'p/"quoted"', "p/back\\slash", "p/*", "p/[a-z]?", "p/new\nline",
    "p/\x1b[31mred", "p/-rf", "p/a b", "p/ü温度", "p/\u202eright", "p/tab\t", "p/!history", "p/;ls", "p/\x7f",
    "p/nul\x00byte", "p/~", "p/#", "p/\u0085c1",
]  # fmt: skip


class Shown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ids = Ids()
        bodies = []
        for device in HOSTILE:
            for i, metric in enumerate(("temperature", "it's hot.temp", "--temp", "time.humidity", "\x1b]0;.temp")):
                bodies.append(value(device, ids, BASE_MS + i * MINUTE, **{metric: 1000, "a": i}))
            bodies += [event(device, ids, BASE_MS + i * MINUTE, s) for i in range(6) for s in ("online", "offline")]
            bodies += steady(device, ids, 0, HOUR, BASE_MS + DAY, "-x y'", [i % 5 for i in range(60)] + [2] * 40)
            bodies += [value(device, ids, BASE_MS + 9 * DAY, x=1)]
        bodies += [b"{"] * 2 + [b"[]"]
        cls.db = Db(cls)
        cls.db.ingest(lines(bodies))

    def test_pasted_commands_exit_0_and_show_rows(self):
        rows, _ = found(self.db)
        self.assertGreater(len(rows), 100)
        env = environment()
        env["PATH"] = f"{bin_dir()}:{os.environ['PATH']}"
        home = self.db.home / "pasted"
        home.mkdir()
        script = []
        for i, row in enumerate(rows):
            more = row["more"]
            self.assertTrue(more.isprintable(), more)
            script.append(f"{more} > {i}.out 2> {i}.err; echo $? >> codes")
        subprocess.run(["bash", "-c", "\n".join(script)], cwd=home, env=env, check=True, timeout=harness.TIMEOUT_S)
        codes = (home / "codes").read_text().split()
        self.assertEqual(set(codes), {"0"})
        for i, row in enumerate(rows):
            out, err = (home / f"{i}.out").read_bytes(), (home / f"{i}.err").read_bytes()
            self.assertGreater(out.count(b"\n"), 1, f"{row['more']}\n{err!r}")
            self.assertEqual(err, b"", row["more"])
        self.assertFalse((home / "hurt").exists())

    def test_tables_are_harmless_and_narrow(self):
        result = self.db.run("check", "--format", "table")
        self.assertEqual(result.code, 1)
        text = result.out.decode("utf-8")
        for line in text.split("\n"):
            self.assertTrue(line.isprintable(), repr(line))
            if not line.startswith("  mnsdb "):
                self.assertLessEqual(len(line), 80 + 80, line)

    def test_a_kind_can_be_chosen_and_decides_the_exit_code(self):
        _, got = found(self.db, "--kind", "flapping", "--kind", "rejects")
        self.assertEqual({one[1] for one in got}, {"flapping", "rejects"})
        self.assertEqual(self.db.run("check", "--kind", "flapping").code, 0)

    def test_lists_are_ordered_and_cut_as_others(self):
        rows, _ = found(self.db, "--order-by", "count:desc", "--limit", "5")
        counts = [int(row["count"]) for row in rows]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertEqual(len(counts), 5)

    def test_zero_switches_a_rule_off(self):
        kinds = [(kind, kind) for kind in ("frozen", "jump", "silent", "offline", "unstable")]
        for kind, option in [*kinds, ("flapping", "flaps")]:
            _, got = found(self.db, f"--{option}", "0")
            self.assertNotIn(kind, {one[1] for one in got})

    def test_mistakes_are_usage_errors(self):
        for args in (
            ["--range", "x"], ["--range", "x=1"], ["--range", "x=2..1"], ["--range", "x=a..b"], ["--kind", "odd"],
            ["--frozen", "x"], ["--frozen", "1/1h"], ["--flaps", "5"], ["--flaps", "1h/5"], ["--jump", "-1"],
            ["--jump", "1.2345"], ["--gap", "x/1h"], ["--silent", "30"], ["--rising", "3"],
            ["--together", "5"], ["--together", "5/100"], ["--together", "x/50"], ["--together", "1/50"], ["--still", "7"],
            ["--offline", "24"], ["--offline", "x"], ["--unstable", "x"], ["--unstable", "5/1"], ["--unstable", "5/1h"],
        ):  # fmt: skip
            self.assertEqual(self.db.run("check", *args).code, 2, args)
        for args in (["--factor", "0"], ["--factor", "3", "--longer-than", "1h"], ["--longer-than", "0s"]):
            self.assertEqual(self.db.run("gaps", *args).code, 2, args)


class Rising(unittest.TestCase):
    def test_rejects_on_the_rise_are_told(self):
        """Arrival is the clock's: few rejects, a while, then many, all within seconds."""
        import time

        db = Db(self)
        db.ingest(lines([b"{a"]), oracle=False)
        time.sleep(2.5)
        db.ingest(lines([b"{%d" % i for i in range(10)]), oracle=False)
        _, got = found(db, "--rising", "3/600ms", "--kind", "rejects-rising")
        self.assertEqual([one[6] for one in got], [10])
        _, got = found(db, "--rising", "1000/600ms", "--kind", "rejects-rising")
        self.assertEqual(got, [])


@harness.needs_recordings
class Recorded(unittest.TestCase):
    def test_recordings_equal_the_oracle(self):
        for data in harness.recordings().values():
            db = Db(self)
            db.ingest(data)
            compare_findings(self, db)
            db.check(gap_rows(db.oracle), "gaps")


class Healthy(unittest.TestCase):
    def test_a_healthy_fleet_gives_no_errors_and_no_warnings(self):
        db = Db(self)
        made = db.home / "fleet.ndjson"
        harness.run("mnsdb-fleet", "-q", "-n", "40", "-i", "60s", "--span", "1d", "-o", made)
        db.ingest_files(made)
        _, got = found(db)
        self.assertEqual([one for one in got if one[0] != "note"], [])
        self.assertLessEqual(len(got), 1)


if __name__ == "__main__":
    harness.main()
