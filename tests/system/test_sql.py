#!/usr/bin/env python3
# ctest: timeout=600
"""`mnsdb sql`: random statements against plain tables of the same rows, and against the commands.

The plain tables are made from the oracle's store in an SQLite of Python's own, so that every
constraint, order and join that the store answers itself is checked against SQLite doing it all.
"""
import base64
import math
import os
import shutil
import sqlite3
import subprocess
import unittest

import harness
from harness import Db, Selection, clock, environment, lines, number, parse_json, reading, rng_for, run, status
from oracle import answers
from test_histories import BASE_MS, make_store

HISTORIES = 30 if harness.SANITIZED else 250
STATEMENTS = 40 if harness.SANITIZED else 300
EXTENSION = harness.bin_dir().parent / "lib" / "mnsdb.so"


def utc(ms):
    return clock.rfc3339(ms, clock.zone_of("UTC"))


def plain_tables(store):
    """The same tables, in memory, from the oracle."""
    db = sqlite3.connect(":memory:")
    db.create_collation("mnsdb_id", lambda a, b: (len(a), a) > (len(b), b) or -((len(a), a) < (len(b), b)))
    metrics = sorted({name for row in store.rows for name in row.values}, key=str.encode)
    fixed = (
        "device text, product text, name text, time text, time_ms integer,"
        " messageid text collate mnsdb_id, time_source text"
    )
    db.execute(f"create table readings({fixed}" + "".join(f', "{m}" real' for m in metrics) + ")")
    db.execute(f"create table status({fixed}, state text, last_contact_ms integer)")

    def common(one):
        product, _, name = one.device.partition("/")
        return [one.device, product, name, utc(one.time_ms), one.time_ms, str(one.messageid), one.source]

    for row in store.rows:
        values = [number.nearest(row.values[m].fraction()) if m in row.values else None for m in metrics]
        db.execute(f"insert into readings values({','.join('?' * (7 + len(metrics)))})", common(row) + values)
    for event in store.events:
        db.execute("insert into status values(?,?,?,?,?,?,?,?,?)", [*common(event), event.state, event.last_contact])
    return db


def same(got, want):
    if isinstance(got, float) or isinstance(want, float):
        return got is not None and want is not None and math.isclose(got, want, rel_tol=1e-12, abs_tol=1e-12)
    return got == want


def from_json(value):
    """Numbers of the answer as Python's."""
    if isinstance(value, harness.Num):
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return value


def sort_key(row):
    return [(cell is not None, isinstance(cell, str), round(cell, 9) if isinstance(cell, float) else cell or 0)
            for cell in row]  # fmt: skip


class Statements:
    """Random select statements over readings and status."""

    def __init__(self, rng, store):
        self.rng = rng
        self.store = store

    def quote(self, text):
        return "'" + text.replace("'", "''") + "'"

    def device(self):
        return self.rng.choice(self.store.devices) if self.rng.random() < 0.9 else "p0/none"

    def pattern(self):
        rng = self.rng
        device = self.device()
        cut = device[: rng.randint(0, len(device))]
        return rng.choice((cut + "*", "*" + device[-1:], "p?/d" + device[-1:], "[p]1/*", device))

    def name_term(self):
        rng = self.rng
        device = self.device()
        product, _, name = device.partition("/")
        return rng.choice((
            f"device = {self.quote(device)}",
            f"device in ({', '.join(self.quote(self.device()) for _ in range(3))})",
            f"device in (select device from status where state = 'online' and time_ms < {self.moment()})",
            f"device glob {self.quote(self.pattern())}",
            f"device like {self.quote(self.pattern().replace('*', '%').upper())}",
            f"device {rng.choice(('>', '>=', '<', '<='))} {self.quote(device)}",
            f"product = {self.quote(product)}",
            f"product in ('p1', {self.quote(product)}, 5)",
            f"name = {self.quote(name)}",
            f"name glob {self.quote('d' + name[-1:] + '*')}",
            f"device = {self.quote(device.upper())} collate nocase",
            "device is not null",
            f"(device = {self.quote(device)} or device glob {self.quote(self.pattern())})",
            "device = null",
            "device > 5",
            "name <> 'd1'",
        ))  # fmt: skip

    def moment(self):
        rng = self.rng
        if rng.random() < 0.6:
            return rng.choice(self.store.rows + self.store.events).time_ms + rng.choice((-1, 0, 0, 1))
        return BASE_MS + rng.randint(-10, 10**8)

    def time_term(self):
        rng = self.rng
        op = rng.choice(("<", "<=", ">", ">=", "="))
        low, high = sorted((self.moment(), self.moment()))
        return rng.choice((
            f"time_ms {op} {low}",
            f"time_ms {op} {low}.5",
            f"time_ms {op} '{low}'",
            f"time_ms between {low} and {high}",
            f"time_ms in ({low}, {high})",
            f"time {op} '{utc(low)}'",
            f"time between '{utc(low)}' and '{utc(high)}'",
            f"{low} {op} time_ms",
            f"(time_ms {op} {low} or time_ms > {high})",
            "time_ms < 'text'",
            "time_ms >= 9e18",
            "time_ms > null",
            "time is not null",
        ))  # fmt: skip

    def where(self, extra):
        rng = self.rng
        terms = [rng.choice((self.name_term, self.time_term))() for _ in range(rng.randint(0, 3))]
        terms += [extra] if rng.random() < 0.3 else []
        return " where " + " and ".join(terms) if terms else ""

    def rows(self):
        rng = self.rng
        table, extras = rng.choice((
            ("readings", ("temperature > 0", "humidity is null", "time_source = 'payload'", "temperature = 12.5")),
            ("status", ("state = 'online'", "last_contact_ms is null", "time_ms - last_contact_ms > 1000")),
        ))  # fmt: skip
        fields = {"readings": "temperature, humidity, time_source", "status": "state, last_contact_ms, time_source"}
        columns = rng.choice(("device, time, messageid", "product, name, time_ms", fields[table], "*", "count(*)"))
        sql = f"select {columns} from {table}" + self.where(rng.choice(extras))
        # A whole key orders rows in one way only, so that --limit has one answer.
        key = rng.choice(("device, time_ms, messageid", "device, time, messageid", "time_ms desc, messageid, device"))
        if columns != "count(*)" and rng.random() < 0.6:
            sql += f" order by {key}" + (f" limit {rng.randint(0, 20)}" if rng.random() < 0.5 else "")
            return sql, True
        return sql, False

    def groups(self):
        rng = self.rng
        what = "count(*), count(humidity), min(temperature), max(temperature), avg(temperature), sum(humidity)"
        by = rng.choice(("device", "product", "device, time_ms", "time", "device, time_source", "time_ms / 3600000"))
        sql = f"select {by}, {what} from readings" + self.where("temperature < 20") + f" group by {by}"
        ending = rng.choice(("", f" order by {by}", f" order by {by} desc"))
        return sql + ending, ending != ""

    def distinct(self):
        columns = self.rng.choice(("device", "product", "device, time", "state"))
        return f"select distinct {columns} from status" + self.where("state = 'online'"), False

    def join(self):
        kind = self.rng.choice(("join", "left join"))
        on = self.rng.choice(("r.device = s.device and r.time_ms > s.time_ms",
                              "r.device = s.device and r.time = s.time", "r.name = s.name and r.time_ms = s.time_ms"))  # fmt: skip
        return (f"select s.device, s.messageid, r.messageid, r.temperature from status s {kind} readings r on {on}"
                f" where s.device glob {self.quote(self.pattern())}"), False  # fmt: skip

    def next(self):
        return self.rng.choice((self.rows, self.rows, self.groups, self.distinct, self.join))()


class RandomStatements(unittest.TestCase):
    def compare(self, db, plain, sql, ordered):
        want = [list(row) for row in plain.execute(sql)]
        got = [[from_json(cell) for cell in row.values()] for row in self.select(db, sql)]
        if not ordered:
            got.sort(key=sort_key)
            want.sort(key=sort_key)
        self.assertEqual(len(got), len(want), f"{sql}\n(MNSDB_TEST_SEED={harness.SEED})")
        for g, w in zip(got, want):
            if len(g) != len(w) or not all(map(same, g, w)):
                self.fail(f"{sql}\ngot      {g}\nexpected {w}\n(MNSDB_TEST_SEED={harness.SEED})")

    def select(self, db, sql):
        result = run("mnsdb-sql", "--db", db.path, "--format", "json", sql)
        self.assertEqual(result.code, 0, repr(result))
        return parse_json(result.out)

    def check(self, name):
        rng = rng_for(name)
        db = make_store(self, rng, HISTORIES)
        plain = plain_tables(db.oracle)
        statements = Statements(rng, db.oracle)
        for _ in range(STATEMENTS):
            self.compare(db, plain, *statements.next())

    def test_random_statements_over_many_short_histories(self):
        self.check("sql-short")

    def test_random_statements_over_few_long_histories(self):
        rng = rng_for("sql-long")
        db = Db(self)
        bodies = []
        for i in range(4000):
            device = f"p{i % 2}/d{i % 5}"
            at = BASE_MS + rng.randint(0, 10**7)
            if i % 9 == 0:
                bodies.append(status(device, rng.choice(("online", "offline")), i + 1, at // 1000, time=at))
            else:
                values = {"temperature": rng.randint(-300, 400) / 10, "time": at}
                values.update({"humidity": rng.randint(0, 9)} if i % 3 else {})
                bodies.append(reading(device, values, i + 1, at // 1000))
        for third in range(3):
            db.ingest(lines(bodies[third::3]))
        plain = plain_tables(db.oracle)
        statements = Statements(rng, db.oracle)
        for _ in range(STATEMENTS // 2):
            self.compare(db, plain, *statements.next())
        for sql in ("select * from readings order by device, time_ms",
                    "select device, avg(temperature + 0) from readings group by device"):  # fmt: skip
            plan = self.select(db, "explain query plan " + sql)
            self.assertIn("in order of device, time", plan[0]["detail"])
            self.assertEqual(len(plan), 1, "no sorting by SQLite")
        # One row of each device, where nothing else of a row is asked about.
        for sql, alone in (("select distinct device from readings", True), ("select distinct product from readings", True),
                           ("select distinct device from readings where time_ms > 5", False),
                           ("select distinct device from readings where device glob 'p1/*'", True),
                           ("select distinct name from readings", False),
                           ("select distinct device from readings where temperature > 0", False),
                           ("select distinct device, time from readings", False)):  # fmt: skip
            plan = " ".join(row["detail"] for row in self.select(db, "explain query plan " + sql))
            self.assertEqual("one row of each device" in plan, alone, (sql, plan))
            self.compare(db, plain, sql, False)


class Commands(unittest.TestCase):
    """The tables say what the commands say."""

    @classmethod
    def setUpClass(cls):
        cls.rng = rng_for("sql-commands")
        cls.db = make_store(cls, cls.rng, HISTORIES)
        cls.db.ingest(b'not json\n{"messageid": 7, "messagetype": "x", "payload": "e30="}\n' + b"A" * 300 + b"\n")

    def select(self, sql, *args):
        result = run("mnsdb", "sql", "--db", self.db.path, sql, *args, "--format", "json")
        self.assertEqual(result.code, 0, repr(result))
        return parse_json(result.out)

    def test_sessions_devices_and_rejects_are_those_of_the_commands(self):
        for zone in ("UTC", "Europe/Berlin"):
            columns = 'device, start, "end", duration_ms, reason, repeats'
            self.assertEqual(self.select(f"select {columns} from sessions", "--tz", zone),
                             self.db.query("sessions", "--tz", zone))  # fmt: skip
            columns = "device, product, name, first_seen, last_seen, readings, status_events"
            self.assertEqual(self.select(f"select {columns} from devices", "--tz", zone),
                             self.db.query("devices", "--tz", zone))  # fmt: skip
            self.assertEqual(self.select("select reason, detail, messageid, received_at, body from rejects",
                                         "--tz", zone), self.db.query("rejects", "--tz", zone))  # fmt: skip

    def test_metrics_are_those_of_the_command(self):
        got = self.select("select metric, value_count, min, max, first_seen, last_seen from metrics")
        want = self.db.query("metrics")
        self.assertEqual([list(map(from_json, row.values())) for row in got],
                         [list(map(from_json, row.values())) for row in want])  # fmt: skip

    def test_the_devices_of_a_list_are_pushed_down(self):
        device = self.db.oracle.devices[3]
        got = self.select(f"select * from sessions where device = '{device}'")
        self.assertEqual([row["start"] for row in got],
                         [row["start"] for row in self.db.query("sessions") if row["device"] == device])  # fmt: skip

    def test_aggregates_are_those_of_stats(self):
        for _ in range(5):
            low, high = sorted(BASE_MS + self.rng.randint(0, 10**8) for _ in range(2))
            sel = Selection(low, high)
            want = answers.stats_rows(self.db.oracle, ("temperature",), ("count", "min", "max", "avg"), sel, None, "device")
            got = self.select("select device, count(temperature) c, min(temperature) a, max(temperature) b,"
                              f" avg(temperature) m from readings where time_ms >= {low} and time_ms < {high}"
                              " group by device having c > 0 order by device")  # fmt: skip
            native = self.db.query("stats", "temperature", "--agg", "count,min,max,avg", "--by", "device",
                                   *harness.sel_args(sel))  # fmt: skip
            self.assertEqual(len(got), len(want))
            for row, other in zip(got, native):
                for mine, theirs in zip(row.values(), other.values()):
                    self.assertTrue(same(from_json(mine), from_json(theirs)), (row, other))

    def test_the_log_is_readings_and_status_together(self):
        low, high = BASE_MS, BASE_MS + 3600000
        got = self.select("select time, device, 'reading' kind, messageid, time_source, temperature from readings"
                          f" where time_ms >= {low} and time_ms < {high} union all"
                          " select time, device, state, messageid, time_source, null from status"
                          f" where time_ms >= {low} and time_ms < {high} order by time, messageid")  # fmt: skip
        want = self.db.query("log", *harness.sel_args(Selection(low, high)))
        fields = ("time", "device", "kind", "messageid", "time_source", "temperature")
        self.assertEqual([[from_json(row[f]) for f in fields] for row in got],
                         [[from_json(row.get(f)) for f in fields] for row in want])  # fmt: skip


class Functions(unittest.TestCase):
    """Tables that are asked with arguments say what the commands say with options."""

    AGGREGATES = ("count", "sum", "avg", "min", "max", "first", "last", "spread", "stddev", "median", "p1", "p5", "p25",
                  "p75", "p90", "p95", "p99", "min_time", "max_time", "twa")  # fmt: skip
    METRICS = ("temperature", "humidity", "none")
    ZONES = ("UTC", "Europe/Berlin", "America/New_York")
    WIDTHS = ("10m", "1h", "7h", "1d", "1w", "1mo")

    @classmethod
    def setUpClass(cls):
        cls.rng = rng_for("sql-functions")
        cls.db = make_store(cls, cls.rng, HISTORIES)
        cls.span = [row.time_ms for row in cls.db.oracle.rows + cls.db.oracle.events]

    def select(self, sql, *args):
        result = run("mnsdb-sql", "--db", self.db.path, sql, *args, "--format", "json")
        self.assertEqual(result.code, 0, f"{sql}\n{result!r}")
        return parse_json(result.out)

    def agree(self, sql, got, want):
        say = f"{sql}\n(MNSDB_TEST_SEED={harness.SEED})"
        self.assertEqual(len(got), len(want), say)
        for g, w in zip(got, want):
            g, w = list(map(from_json, g.values())), list(map(from_json, w.values()))
            self.assertTrue(len(g) == len(w) and all(map(same, g, w)), f"{say}\ngot      {g}\nexpected {w}")

    def literal(self, text):
        return "null" if text is None else "'" + text.replace("'", "''") + "'"

    def moment(self):
        return self.rng.choice(self.span) + self.rng.choice((-3600000, -1, 0, 0, 1, 3600000))

    def ask(self, known):
        """Terms of a statement and the options that say the same, in a random order of terms."""
        rng = self.rng
        terms, args = [], []
        if rng.random() < 0.4:
            at = self.moment()
            terms.append(f"since = {rng.choice((str(at), repr(utc(at))))}")
            args += ["--from", utc(at)]
        if rng.random() < 0.4:
            at = self.moment()
            terms.append(f"until = {rng.choice((str(at), repr(utc(at))))}")
            args += ["--to", utc(at)]
        if rng.random() < 0.4:
            glob = rng.choice((rng.choice(self.db.oracle.devices), "p1/*", "*1", "nobody/*"))
            terms.append(f"devices = {self.literal(glob)}")
            args += ["--device", glob]
        terms += known
        rng.shuffle(terms)
        return terms, args

    def group(self, by, every, default):
        known, args, keys = [], [], []
        if by is not None:
            known.append(f"by = {self.literal(by)}")
            args += ["--by", by] if by != default else []
        if (by or default) != "none":
            keys.append(by or default)
        if every is not None:
            known.append(f"every = {self.literal(every)}")
            args += ["--every", every]
            keys.append("time")
        return known, args, keys

    def native(self, command, *args):
        result = run("mnsdb", command, "--db", self.db.path, *args, "--format", "json")
        if result.code == 2 and b"--from" in result.err:
            return None  # a range that ends before it starts
        self.assertEqual(result.code, 0, repr(result))
        return parse_json(result.out)

    def test_a_range_that_ends_before_it_starts_has_no_rows(self):
        terms = f"since = {max(self.span)} and until = {min(self.span)}"
        for table in ("stats('temperature', 'device', '1d')", "stats('temperature')", "online", "sessions",
                      "excursions('temperature', 5)"):  # fmt: skip
            self.assertEqual(self.select(f"select * from {table} where {terms}"), [])

    def test_stats_are_those_of_the_command(self):
        rng = self.rng
        for _ in range(STATEMENTS // 6):
            metric, zone = rng.choice(self.METRICS), rng.choice(self.ZONES)
            aggregates = rng.sample(self.AGGREGATES, rng.randint(1, 6))
            known, group_args, keys = self.group(rng.choice((None, "none", "device", "product")),
                                                 rng.choice((None, *self.WIDTHS)), "none")  # fmt: skip
            terms, args = self.ask([f"metric = {self.literal(metric)}", *known])
            want = self.native("stats", metric, "--agg", ",".join(aggregates), "--tz", zone, *group_args, *args)
            if want is None:
                continue
            sql = f"select {', '.join(keys + aggregates)} from stats where {' and '.join(terms)}"
            self.agree(sql, self.select(sql, "--tz", zone), want)

    def test_online_is_that_of_the_command(self):
        rng = self.rng
        for _ in range(STATEMENTS // 10):
            zone, by = rng.choice(self.ZONES), rng.choice((None, "none", "device", "product"))
            known, group_args, keys = self.group(by, rng.choice((None, "7h", "1d", "1w")), "device")
            if rng.random() < 0.3:
                known.append("keep_stale = 1")
                group_args.append("--keep-stale")
            if rng.random() < 0.3:
                known.append("offline_at = 'last-contact'")
                group_args += ["--offline-at", "last-contact"]
            terms, args = self.ask(known)
            fields = ["online_ms", "offline_ms", "unknown_ms", "availability", "sessions", "longest_ms", "repeats", "stale"]
            fields += ["state", "state_since"] if (by or "device") == "device" else []
            if rng.random() < 0.3:
                fields += ["failures", "mtbf_ms", "repairs", "mttr_ms", "flaps", "longest_outage_ms", "longest_outage_start"]
                group_args.append("--reliability")
            want = self.native("online", "--tz", zone, *group_args, *args)
            if want is None:
                continue
            sql = f"select {', '.join(keys + fields)} from online"
            sql += f" where {' and '.join(terms)}" if terms else ""
            self.agree(sql, self.select(sql, "--tz", zone), want)

    def test_sessions_are_those_of_the_command(self):
        columns = 'device, start, "end", duration_ms, reason, repeats'
        for _ in range(STATEMENTS // 20):
            terms, args = self.ask(["keep_stale = 1", "offline_at = 'last-contact'"])
            want = self.native("sessions", "--keep-stale", "--offline-at", "last-contact", *args)
            if want is not None:
                sql = f"select {columns} from sessions where {' and '.join(terms)}"
                self.agree(sql, self.select(sql), want)
        self.agree("sessions(1)", self.select(f"select {columns} from sessions(1)"), self.native("sessions", "--keep-stale"))

    def test_excursions_are_those_of_the_command(self):
        rng = self.rng
        for _ in range(STATEMENTS // 20):
            above, below = rng.randint(-10, 30), rng.randint(-10, 30)
            known, options = [f"above = {above}", "metric = 'temperature'"], ["--above", str(above)]
            if rng.random() < 0.5:
                known.append(f"below = {below}")
                options += ["--below", str(below)]
            if rng.random() < 0.3:
                known.append("hold = '10m'")
                options += ["--hold", "10m"]
            terms, args = self.ask(known)
            want = self.native("excursions", "temperature", *options, *args)
            if want is not None:
                sql = ('select device, start, "end", duration_ms, reason, metric, side, threshold, extreme, extreme_time,'
                       f" value_count from excursions where {' and '.join(terms)}")  # fmt: skip
                self.agree(sql, self.select(sql), want)

    def test_what_is_said_of_devices_and_buckets_leaves_the_others_as_they_are(self):
        """Pushed down or not, a row is the same: `+` keeps a term from the store."""
        rng = self.rng
        for _ in range(STATEMENTS // 10):
            table, columns = rng.choice((
                ("stats('temperature', 'device', '{}')", "device, time, count, avg, twa, p95, max_time"),
                ("stats('temperature', 'product', '{}')", "product, time, count, sum, last"),
                ("stats('humidity', null, '{}')", "time, count, twa"),
                ("online('device', '{}')", "device, time, online_ms, offline_ms, unknown_ms, sessions, state, state_since"),
                ("online('none', '{}')", "time, online_ms, unknown_ms, failures, longest_outage_start"),
            ))  # fmt: skip
            device = rng.choice(self.db.oracle.devices)
            starts = self.select(f"select distinct time_ms from {table.format('1d')}")
            at = [int(rng.choice(starts)["time_ms"]) + rng.choice((-1, 0, 0, 1)) for _ in range(2)]
            terms = [f"{{}}time_ms {rng.choice(('<', '<=', '>', '>=', '='))} {at[0]}",
                     f"{{}}time {rng.choice(('<', '<=', '>', '>='))} '{utc(at[1])}'"]  # fmt: skip
            terms += [f"{{}}device = '{device}'", "{}name glob 'd1*'"] if columns.startswith("device") else []
            terms += ["{}product in ('p1', 'p2')"] if not columns.startswith("time") else []
            chosen = rng.sample(terms, rng.randint(1, len(terms)))
            glue = rng.choice((" and ", " or "))
            sql = f"select {columns} from {table.format(rng.choice(('1d', '7h')))} where {glue.join(chosen)}"
            order = f" order by {columns}"
            zone = rng.choice(self.ZONES)
            got = self.select(sql.replace("{}", "") + order, "--tz", zone)
            self.agree(sql, got, self.select(sql.replace("{}", "+") + order, "--tz", zone))

    def test_they_join_with_other_tables(self):
        got = self.select("select s.device, count, d.readings from devices d join stats s on s.device = d.device"
                          " where metric = 'temperature' and by = 'device' order by 1")  # fmt: skip
        want = self.native("stats", "temperature", "--agg", "count", "--by", "device")
        self.assertEqual([[row["device"], row["count"]] for row in got], [list(row.values()) for row in want])
        got = self.select("select m.metric, count from metrics m join stats s on s.metric = m.metric order by 1")
        want = self.select("select metric, value_count from metrics order by 1")
        self.agree("join", got, want)
        got = self.select("select e.device, e.start, s.count from sessions e, stats s where s.metric = 'temperature'"
                          " and s.since = e.start_ms and s.until = e.end_ms and s.devices = e.device"
                          " and e.duration_ms > 0")  # fmt: skip
        want = self.select("select e.device, e.start, (select count(temperature) from readings r where r.device = e.device"
                           " and r.time_ms >= e.start_ms and r.time_ms < e.end_ms) c from sessions e"
                           " where e.duration_ms > 0 and e.end_ms is not null")  # fmt: skip
        both = {(row["device"], row["start"]): row["count"] for row in got}
        for row in want:
            self.assertEqual(both[row["device"], row["start"]], row["c"])

    def test_plans_show_what_is_computed(self):
        cases = {
            "select device, avg, p95 from stats('temperature', 'device') where device glob '*p*'":
                "metric=? and by=? and device glob ?; computing avg, p95",
            "select time from stats('t', null, '1h') where time >= '-7d'": "metric=? and by=? and every=? and time>=?",
            "select * from online where keep_stale = 1 and product = 'p1'": "keep_stale=? and product=?",
            "select * from excursions where metric = 't' and above = 5 and hold = '5m'": "metric=? and above=? and hold=?",
        }  # fmt: skip
        for sql, text in cases.items():
            self.assertIn(text, self.select("explain query plan " + sql)[0]["detail"])

    def test_a_question_that_makes_no_sense_is_told(self):
        for sql, text in {
            "select * from stats": "which metric?",
            "select * from stats('t') where time > '2018-05-16'": "time is the start of a bucket",
            "select * from stats('t', 'product') where device = 'a/b'": "there is no device in the rows",
            "select * from online('none') where product = 'a'": "there is no product in the rows",
            "select * from stats('t', 'room')": "by: there are 'none', 'device', 'product'",
            "select * from stats('t', null, 'often')": "often",
            "select * from stats where metric = 't' and since = 'noonish'": "'noonish' is no time",
            "select * from stats where metric = 't' and until = 9e18": "is no time",
            "select * from online where offline_at = 'noon'": "there are 'event', 'last-contact'",
            "select * from excursions where metric = 't'": "beyond which limit?",
            "select * from excursions where metric = 't' and above = 'hot'": "hot",
            "select * from excursions where metric = 't' and above = 1 and hold = 'x'": "hold",
            "select * from stats where metric = 't' and devices = 5": "a pattern is wanted",
        }.items():
            with self.subTest(sql):
                result = run("mnsdb-sql", "--db", self.db.path, sql)
                self.assertEqual(result.code, 2, repr(result))
                self.assertIn(text, result.err.decode())


class Program(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.db = Db(cls)
        bodies = [reading("pk/d1", {"temperature": i / 4, "Temperature": i, "a,b\"c": 1, "time": BASE_MS + i},
                          2**64 - 1 - i, BASE_MS // 1000) for i in range(50)]  # fmt: skip
        bodies.append(status("pk/d2", "online", 5, BASE_MS // 1000, time=BASE_MS))
        cls.db.ingest(lines(bodies))

    def sql(self, *args, **kw):
        return run("mnsdb-sql", "--db", self.db.path, *args, **kw)

    def rows(self, sql, *args):
        result = self.sql(sql, *args, "--format", "json")
        self.assertEqual(result.code, 0, repr(result))
        return parse_json(result.out)

    def plan(self, sql):
        return [row["detail"] for row in self.rows("explain query plan " + sql)]

    def test_plans_show_what_the_store_answers(self):
        cases = {
            "select * from readings where device = 'pk/d1'": "device=?",
            "select * from readings where device in ('pk/d1', 'pk/d2')": "device in (?)",
            "select * from readings where device glob 'pk/*'": "device glob ?",
            "select * from readings where device like 'pk/%' and time_ms >= 5": "time_ms>=?",
            "select * from status where time >= '2020-01-01' and time < '2021-01-01'": "time>=? and time<?",
            "select \"a,b\"\"c\" from readings": "everything; decoding a,b\"c",
            "select time from readings where device = 'pk/d1' order by time_ms": "in order of time",
            "select * from sessions where product = 'pk'": "product=?",
        }
        for sql, text in cases.items():
            with self.subTest(sql):
                plan = self.plan(sql)
                self.assertTrue(any(text in line for line in plan), plan)
                self.assertFalse(any("TEMP B-TREE" in line for line in plan), plan)

    def test_only_what_a_statement_needs_is_decoded(self):
        told = self.sql("select count(*) from readings where device = 'pk/d2'", "--explain").err.decode()
        self.assertIn("decoded 0 (0 rows)", told)

    def test_ids_are_exact_and_ordered_by_number(self):
        rows = self.rows("select messageid from readings order by messageid desc limit 2")
        self.assertEqual([row["messageid"] for row in rows], [str(2**64 - 1), str(2**64 - 2)])
        self.assertEqual(self.rows(f"select count(*) n from readings where messageid = '{2**64 - 1}'")[0]["n"], "1")
        mixed = self.rows("select messageid from readings union all select messageid from status order by 1 limit 1")
        self.assertEqual(mixed[0]["messageid"], "5")

    def test_names_that_differ_in_case_keep_their_columns(self):
        row = self.rows("select \"Temperature\", \"metric:temperature\", \"a,b\"\"c\" from readings limit 1")[0]
        self.assertEqual(list(map(float, row.values())), [0.0, 0.0, 1.0])
        last = self.rows("select \"Temperature\" a, \"metric:temperature\" b from readings order by a desc limit 1")[0]
        self.assertEqual([float(last["a"]), float(last["b"])], [49.0, 12.25])

    def test_times_compare_by_instant_whatever_their_form(self):
        at = utc(BASE_MS + 10)
        east = clock.rfc3339(BASE_MS + 10, clock.zone_of("+08:00"))
        for text in (at, east, at.replace("T", " ").replace("Z", ""), f"@{BASE_MS + 10}"):
            with self.subTest(text):
                self.assertEqual(self.rows(f"select time_ms from readings where time = '{text}'"),
                                 [{"time_ms": str(BASE_MS + 10)}])  # fmt: skip
        self.assertEqual(self.rows("select count(*) n from readings where time >= '-1d'"), [{"n": "0"}])
        self.assertEqual(self.rows(f"select time from readings where time = '{at}'", "--tz", "+08:00"), [{"time": east}])
        self.assertEqual(self.rows(f"select mnsdb_ms('{east}') a, mnsdb_time({BASE_MS + 10}) b, mnsdb_time('x') c"),
                         [{"a": str(BASE_MS + 10), "b": at, "c": None}])  # fmt: skip

    def test_a_text_that_is_no_time_is_told(self):
        result = self.sql("select * from readings where time > 'noonish'")
        self.assertEqual(result.code, 2, repr(result))
        self.assertIn(b"'noonish' is no time", result.err)

    def test_only_select_is_possible(self):
        for sql in ("delete from readings", "create table t(a)", "attach 'x' as y", "pragma journal_mode=wal",
                    "insert into devices values(1)", "vacuum into '/tmp/no'", "select load_extension('x')", "begin",
                    "create virtual table temp.r using readings('/tmp')", "drop table readings", "analyze", "",
                    "select 1; select 2", "select ?", "select mnsdb_open('/tmp')", "update readings set time_ms = 1",
                    "detach main", "reindex", "select * from sqlite_dbpage", "-- nothing"):  # fmt: skip
            with self.subTest(sql):
                result = self.sql(sql)
                self.assertEqual(result.code, 2, repr(result))
                self.assertEqual(result.out, b"")
                self.assertNotEqual(result.err, b"")

    def test_a_mistake_is_shown_where_it_is(self):
        result = self.sql("select time,\n   temprature, device\nfrom readings")
        self.assertEqual(result.code, 2, repr(result))
        said = result.err.decode().splitlines()
        self.assertEqual(said[0], "mnsdb-sql: no such column: temprature")
        self.assertEqual(said[1], "       temprature, device")
        self.assertEqual(said[2].index("^"), said[1].index("temprature"))

    def test_formats_and_options(self):
        sql = "select 1 a, 'x\ty' b, null c, 1.5 a, x'00ff' d"
        self.assertEqual(self.sql(sql).out, b"a\tb\tc\ta:2\td\n1\tx\\ty\t\t1.5\tAP8=\n")
        self.assertEqual(self.sql(sql, "--format", "csv", "--no-header").out, b"1,x\ty,,1.5,AP8=\n")
        self.assertEqual(parse_json(self.sql(sql, "--format", "ndjson").out),
                         {"a": "1", "b": "x\ty", "c": None, "a:2": "1.5", "d": base64.b64encode(b"\0\xff").decode()})  # fmt: skip
        self.assertEqual(len(self.rows("select * from readings", "--limit", "7")), 7)
        self.assertEqual(self.rows("select * from readings limit 0"), [])
        self.assertEqual(self.sql("-", stdin=b"select 7\n").out, b"7\n7\n")
        self.assertIn(b"| a | b |", self.sql("select 'q' a, 2 b", "--format", "md").out)
        self.assertEqual(self.sql("select 1", "--format", "cvs").code, 2)
        self.assertEqual(self.sql("select 1", "--tz", "Nowhere").code, 2)

    def test_a_store_that_is_not_there(self):
        self.assertEqual(run("mnsdb-sql", "--db", self.db.home / "none", "select 1").code, 4)
        self.assertEqual(run("mnsdb", "sql", "--db", self.db.home / "none", "select 1").code, 4)

    def test_a_statement_without_end_is_ended(self):
        endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
        result = self.sql(endless, "--timeout", "100ms")
        self.assertEqual(result.code, 1, repr(result))
        self.assertIn(b"--timeout", result.err)

    def test_large_answers_pass_through_a_file(self):
        many = ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 90000)"
                " select i, printf('%01000d', i) t from n")  # fmt: skip
        out = self.sql(many, "--no-header").out.splitlines()
        self.assertEqual(len(out), 90000)
        self.assertTrue(all(line == b"%d\t%01000d" % (i, i) for i, line in enumerate(out, 1)))

    def test_output_that_waits_holds_nothing_of_the_store(self):
        command = [str(harness.bin_dir() / "mnsdb-sql"), "--db", str(self.db.path),
                   "select a.* from readings a, readings b, readings c"]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as running:
            self.assertEqual(running.stdout.read(6), b"device")
            with open(f"/proc/{running.pid}/maps", encoding="utf-8") as maps:
                self.assertNotIn("data.mdb", maps.read())
            self.assertIsNone(running.poll(), "it waits for its reader")
            running.stdout.close()
        self.assertEqual(running.returncode, 0)

    def test_an_empty_store_answers(self):
        empty = Db(self)
        empty.ingest(b"")
        for table in ("readings", "status", "sessions", "devices", "metrics", "rejects", "online", "online('device', '1d')",
                      "stats('t', 'device', '1h')", "excursions('t', 5)"):  # fmt: skip
            result = run("mnsdb-sql", "--db", empty.path, f"select count(*) from {table}")
            self.assertEqual(result.out, b"count(*)\n0\n", f"{table} {result!r}")


@unittest.skipUnless(shutil.which("sqlite3"), "SKIPPED: the sqlite3 shell is not installed")
@unittest.skipUnless(EXTENSION.exists(), f"SKIPPED: {EXTENSION} is not there (builds with sanitizers have none)")
class Extension(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.db = make_store(cls, rng_for("sql-extension"), 40)

    def shell(self, *statements, code=0, **more):
        env = environment(**more)
        done = subprocess.run(["sqlite3", "-batch", "-json", ":memory:"], capture_output=True, timeout=60, env=env,
                              input="".join(s + "\n" for s in (f".load {EXTENSION}", *statements)).encode())  # fmt: skip
        self.assertEqual(done.returncode, code, done)
        if code:
            return done.stderr.decode()
        self.assertEqual(done.stderr, b"")
        return [parse_json(part + b"]") for part in done.stdout.split(b"]\n") if part.strip()]

    def native(self, sql):
        return parse_json(run("mnsdb-sql", "--db", self.db.path, "--format", "json", sql).out)

    def test_the_shell_sees_the_same_tables(self):
        sql = "select device, time, state from status order by device, time_ms, messageid limit 20"
        want = self.native(sql)
        self.assertEqual(self.shell(sql + ";", MNSDB_DB=str(self.db.path)), [want])
        opened = self.shell(f"select mnsdb_open('{self.db.path}') as d;", sql + ";")
        self.assertEqual(opened, [[{"d": str(self.db.path)}], want])
        named = self.shell(f"create virtual table temp.s using status('{self.db.path}');", sql.replace("status", "s") + ";")
        self.assertEqual(named, [want])

    def test_the_shell_asks_with_arguments(self):
        for sql in ("select device, time, avg, p95 from stats('temperature', 'device', '1d') where device glob '*1'",
                    "select device, online_ms, state from online where keep_stale = 1",
                    "select device, start, extreme from excursions('temperature', 5)"):  # fmt: skip
            want = self.native(sql)
            self.assertGreater(len(want), 0)
            got = self.shell(sql + ";", MNSDB_DB=str(self.db.path))[0]
            self.assertEqual([list(map(from_json, row.values())) for row in got],
                             [list(map(from_json, row.values())) for row in want])  # fmt: skip
        named = self.shell(f"create virtual table temp.s using stats('{self.db.path}');",
                           "select count from s('temperature');")  # fmt: skip
        self.assertEqual(named, [self.native("select count from stats('temperature')")])

    def test_two_stores_side_by_side(self):
        other = make_store(self, rng_for("sql-extension-2"), 20)
        counts = self.shell(f"create virtual table temp.other using devices('{other.path}');",
                            "select (select count(*) from devices) a, (select count(*) from other) b;",
                            MNSDB_DB=str(self.db.path))  # fmt: skip
        self.assertEqual(counts, [[{"a": str(len(self.db.oracle.devices)), "b": str(len(other.oracle.devices))}]])

    def test_the_tables_cannot_be_written_and_a_missing_store_is_told(self):
        self.assertIn("may not be modified", self.shell("delete from readings;", code=1, MNSDB_DB=str(self.db.path)))
        self.assertIn("no store at", self.shell("select * from readings;", code=1, MNSDB_DB="/nowhere/at-all"))

    def test_a_connection_sees_what_was_ingested_meanwhile(self):
        db = Db(self)
        db.ingest(lines([reading("pk/a", {"t": 1}, 1, BASE_MS // 1000)]))
        more = db.file(lines([reading("pk/b", {"t": 2}, 2, BASE_MS // 1000)]), "more.ndjson")
        ingest = harness.bin_dir() / "mnsdb-ingest"
        ask = "select device, t from readings order by device;"
        answers = self.shell(ask, f".shell {ingest} -q --db {db.path} {more}", ask, MNSDB_DB=str(db.path))
        self.assertEqual([[row["device"] for row in answer] for answer in answers], [["pk/a"], ["pk/a", "pk/b"]])

    def test_a_second_connection_of_the_process_is_refused_the_store(self):
        said = self.shell("select count(*) from devices;", ".connection 1", f".load {EXTENSION}",
                          "select count(*) from devices;", code=1, MNSDB_DB=str(self.db.path))  # fmt: skip
        self.assertIn("is open in another connection of this process", said)


if __name__ == "__main__":
    harness.main()
