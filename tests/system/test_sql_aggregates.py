#!/usr/bin/env python3
# ctest: timeout=300
"""`mnsdb sql`: aggregates of readings that the store has added up, against SQLite adding up each.

What is answered from summaries must be what a plain table of the same rows gives, and what
`--row-by-row` gives: names, rows and their order too. Sums are exact there, so they may differ in
the last digits from SQLite's own, never from those of `mnsdb stats`.
"""
import unittest

import harness
from harness import Db, lines, parse_json, reading, rng_for, run, status
from test_histories import BASE_MS, make_store
from test_sql import Statements, from_json, plain_tables, same, sort_key, utc

HISTORIES = 20 if harness.SANITIZED else 200
STATEMENTS = 15 if harness.SANITIZED else 90
PUSHED = "from summaries"


class Aggregates(Statements):
    """Random statements of the shape that is answered from summaries."""

    FIGURES = ("count(*)", "count(temperature)", "count(device)", "sum(temperature)", "total(humidity)", "avg(temperature)",
               "avg(humidity)", "min(temperature)", "max(humidity)", "min(time_ms)", "max(time)", "min(time)",
               "round(max(temperature), 1)", "max(temperature) - min(temperature)", "count(*) * 2 + count(humidity)",
               "coalesce(sum(humidity), -1)", "case when count(temperature) > 2 then 'many' else 'few' end",
               "cast(min(temperature) as integer)", "Max ( \"humidity\" )", "avg([temperature])", "sum(`humidity`)",
               "avg(readings.temperature)", "total(temperature /* of all */)")  # fmt: skip

    GROUPS = (
        ("device", "device", ("device", "product", "name", "upper(device)", "product || '.' || name")),
        ("product", "product", ("product", "lower(product)")),
        ("name", "name", ("name",)),
        ("product, name", "product, name", ("device", "product", "name")),
        ("time_ms / 3600000", "time_ms / 3600000", ("time_ms / 3600000", "time_ms / 3600000 * 3600000 + 5",
                                                    "mnsdb_ms(mnsdb_time(time_ms - time_ms % 3600000))")),
        ("time_ms - time_ms % 420000", "1", ("time_ms - time_ms % 420000",)),
        ("time_ms / 172800000", "time_ms / 172800000", ("time_ms / 172800000",)),
        ("substr(time, 1, 13)", "substr(time, 1, 13)", ("substr(time, 1, 13) || 'h'", "substr(time, 1, 10)")),
        ("substr(time, 1, 10)", "1", ("substr(time, 1, 10)",)),
        ("substr(time, 1, 16)", "substr(time, 1, 16)", ("substr(time, 1, 16)",)),
        ("device, substr(time, 1, 7)", "device, substr(time, 1, 7)", ("device", "substr(time, 1, 4)")),
        ("product, time_ms / 60000", "product, time_ms / 60000", ("product", "time_ms / 60000")),
    )

    def simple_name(self):
        rng = self.rng
        device = self.device()
        product, _, name = device.partition("/")
        return rng.choice((
            f"device = {self.quote(device)}",
            f"device in ({', '.join(self.quote(self.device()) for _ in range(3))})",
            f"device glob {self.quote(self.pattern())}",
            f"device like {self.quote(self.pattern().replace('*', '%').upper())}",
            f"device {rng.choice(('>', '>=', '<', '<='))} {self.quote(device)}",
            f"{self.quote(device)} {rng.choice(('>', '<='))} device",
            f"device between {self.quote(device)} and {self.quote(self.device())}",
            f"product = {self.quote(product)}",
            f"product in ('p1', {self.quote(product)}, 5)",
            f"name <> {self.quote(name)}",
            f"(device = {self.quote(device)} or device glob {self.quote(self.pattern())})",
            f"not (name = {self.quote(name)} and product = 'p1')",
            f"device = {self.quote(device.upper())} collate nocase",
            "device is not null",
        ))  # fmt: skip

    def simple_time(self):
        rng = self.rng
        op = rng.choice(("<", "<=", ">", ">=", "=", "=="))
        low, high = sorted((self.moment(), self.moment()))
        return rng.choice((
            f"time_ms {op} {low}",
            f"time_ms {op} {low}.5",
            f"time_ms between {low} and {high}",
            f"time {op} '{utc(low)}'",
            f"time between '{utc(low)}' and '{utc(high)}'",
            f"{low} {op} time_ms",
            "time_ms >= -5",
        ))  # fmt: skip

    def where(self, extra):
        del extra
        terms = [self.rng.choice((self.simple_name, self.simple_time))() for _ in range(self.rng.randint(0, 3))]
        either = [self.simple_name(), self.simple_name()]
        # SQLite makes `x = 'a' or x = 'b' collate nocase` a list, which has the collation of x.
        if len(terms) == 2 and self.rng.random() < 0.3 and not any("collate" in term for term in either):
            terms = [" or ".join(either)]
        return " where " + " and ".join(terms) if terms else ""

    def next(self):
        """A statement of the shape."""
        rng = self.rng
        figures = rng.sample(self.FIGURES, rng.randint(1, 4))
        if rng.random() < 0.3:
            return f"select {', '.join(figures)} from readings{self.where(None)}"
        keys, written, shown = rng.choice(self.GROUPS)
        columns = [keys if written == "1" else shown[0], *rng.sample(shown, rng.randint(0, len(shown)))]
        columns += [f"{figure} {rng.choice(('', 'as '))}f{i}" for i, figure in enumerate(figures)]
        sql = f"select {', '.join(columns)} from readings{self.where(None)} group by {written}"
        if rng.random() < 0.3:
            sql += f" having count(*) > {rng.randint(0, 3)}"
        if rng.random() < 0.5:
            sql += f" order by count(*) desc, {keys}" + rng.choice(("", " limit 3", " limit 2 offset 1"))
        return sql


class TwoWays(unittest.TestCase):
    db = None

    def ask(self, sql, *args):
        result = run("mnsdb-sql", "--db", self.db.path, sql, *args, "--format", "json")
        self.assertEqual(result.code, 0, f"{sql}: {result!r}")
        rows = parse_json(result.out)
        return list(rows[0]) if rows else None, [[from_json(cell) for cell in row.values()] for row in rows]

    def plan(self, sql, *args):
        return " ".join(row[3] for row in self.ask("explain query plan " + sql, *args)[1])

    def agree(self, sql, got, want):
        self.assertEqual(len(got), len(want), f"{sql}\n(MNSDB_TEST_SEED={harness.SEED})")
        for g, w in zip(got, want):
            if len(g) != len(w) or not all(map(same, g, w)):
                self.fail(f"{sql}\ngot      {g}\nexpected {w}\n(MNSDB_TEST_SEED={harness.SEED})")

    def both_ways(self, sql, *args):
        """What both ways answer."""
        names, rows = self.ask(sql, *args)
        plain_names, plain_rows = self.ask(sql, *args, "--row-by-row")
        self.assertEqual(names, plain_names, sql)
        self.agree(sql, rows, plain_rows)
        return rows


class RandomAggregates(TwoWays):
    def check(self, rng):
        plain = plain_tables(self.db.oracle)
        statements = Aggregates(rng, self.db.oracle)
        pushed = 0
        for i in range(STATEMENTS):
            sql = statements.next()
            got = self.both_ways(sql)
            want = [list(row) for row in plain.execute(sql.replace("mnsdb_ms(mnsdb_time(time_ms - time_ms % 3600000))",
                                                                   "time_ms - time_ms % 3600000"))]  # fmt: skip
            self.agree(sql, sorted(got, key=sort_key), sorted(want, key=sort_key))
            if i % 5 == 0:
                self.assertIn(PUSHED, self.plan(sql), sql)
                self.assertNotIn(PUSHED, self.plan(sql, "--row-by-row"), sql)
                pushed += 1
        self.assertGreater(pushed, 0)

    def test_of_many_short_histories(self):
        rng = rng_for("sql-aggregates-short")
        self.db = make_store(self, rng, HISTORIES)
        self.check(rng)

    def test_of_few_long_histories(self):
        rng = rng_for("sql-aggregates-long")
        self.db = Db(self)
        bodies = []
        for i in range(6000):
            at = BASE_MS + rng.randint(0, 10**9)
            values = {"temperature": rng.randint(-300, 400) / 10, "time": at}
            values.update({"humidity": rng.randint(0, 9)} if i % 3 else {})
            bodies.append(reading(f"p{i % 2}/d{i % 5}", values, i + 1, at // 1000))
        for third in range(3):
            self.db.ingest(lines(bodies[third::3]))
        self.check(rng)


class Zones(TwoWays):
    """Buckets of texts across changes of the clock, those at odd minutes too."""

    CHANGES = (
        ("Europe/Berlin", 1603587600000), ("Europe/Berlin", 1585443600000), ("America/New_York", 1604210400000),
        ("America/St_Johns", 1289097060000), ("Australia/Lord_Howe", 1617462000000), ("Asia/Kolkata", 1603587600000),
        ("+05:30", 1603587600000),
    )  # fmt: skip

    def test_groups_are_those_of_the_texts(self):
        for zone, change_ms in self.CHANGES:
            with self.subTest(zone):
                rng = rng_for("sql-zones-" + zone)
                self.db = Db(self)
                at = [change_ms + rng.randint(-8 * 3600000, 8 * 3600000) for _ in range(400)]
                self.db.ingest(lines([reading(f"p/d{i % 3}", {"t": i, "time": ms}, i + 1, ms // 1000)
                                      for i, ms in enumerate(at)]))  # fmt: skip
                for size in (4, 7, 10, 13, 16):
                    by = f"substr(time, 1, {size})"
                    self.both_ways(f"select {by}, count(*), sum(t), avg(t), min(time) from readings group by 1", "--tz", zone)
                self.both_ways("select device, substr(time, 1, 10) day, max(t) from readings group by device, day",
                               "--tz", zone)  # fmt: skip
                self.both_ways("select time_ms / 3600000, sum(t) from readings group by 1", "--tz", zone)

    def test_times_before_1970(self):
        self.db = Db(self)
        self.db.ingest(lines([reading("p/d", {"t": i, "time": i * 1000000 - 10**7}, i + 1, 1600000000) for i in range(20)]))
        rows = self.both_ways("select time_ms / 3600000 h, count(*), sum(t) from readings group by h")
        self.assertEqual(sum(row[1] for row in rows), 20)


class Program(TwoWays):
    @classmethod
    def setUpClass(cls):
        cls.db = Db(cls)
        bodies = [reading(f"pk/d{i % 4}", {"t": i / 10, "T2": -i, "first": 7, "b c": i % 3, "time": BASE_MS + i * 1000}, i + 1,
                          BASE_MS // 1000) for i in range(400)]  # fmt: skip
        bodies.append(status("pk/d9", "online", 9999, BASE_MS // 1000, time=BASE_MS))
        cls.db.ingest(lines(bodies))

    def test_what_is_recognised_in_whatever_spelling(self):
        for sql in (
            "SELECT AVG(T) FROM READINGS;", "select avg(t) from readings -- all\n;;", "select\n\tavg /* of */ ( t )from\"readings\"",
            "select avg(r.t) from readings as r", "select avg(r.\"t\") a from readings r where r.device='pk/d1'",
            "select [r].device, max([r].[b c]) from [readings] [r] group by r.device order by 2, r.device",
            "select avg(t) t from readings group by device order by t desc, device", "select count(*) from readings where 'pk/d1' = device",
            "select device d, sum(t) as first from readings group by d having sum(t) > 5 order by first",
            "select device from readings group by device", "select device, count(*) from readings group by 1 order by 2 desc, 1 limit 2",
            "select min(time) as first, max(time) as last from readings", "select avg(t) 'mean' from readings",
            "select count(*), product from readings group by product order by product collate nocase desc nulls last",
        ):  # fmt: skip
            with self.subTest(sql):
                self.assertIn(PUSHED, self.plan(sql))
                self.both_ways(sql)

    def test_what_is_not_recognised_runs_as_it_is(self):
        for sql in (
            "select avg(t + 0) from readings", "select avg(distinct t) from readings", "select count(distinct device) from readings",
            "select avg(t) filter (where t > 5) from readings", "select distinct count(*) from readings group by device",
            "select avg(t) from readings where t > 5", "select avg(t) from readings where \"first\" = 7",
            "select avg(t) from (select * from readings)", "with r as (select * from readings) select avg(t) from r",
            "select avg(a.t) from readings a join readings b on a.messageid = b.messageid",
            "select avg(t) from readings union all select avg(T2) from readings", "select avg(t) from readings, devices",
            "select device, t, max(t) from readings group by device", "select avg(t) over () from readings limit 1",
            "select avg(t) from readings where time_ms % 2 = 0", "select avg(t) from readings where time_ms in (1, 2)",
            "select avg(t) from readings group by time_ms / 1000", "select avg(t) from readings group by -time_ms / 3600000",
            "select 2 * time_ms / 3600000 h, avg(t) from readings group by time_ms / 3600000",
            "select avg(t) from readings group by substr(time, 1, 12)", "select avg(t) from readings group by device collate nocase",
            "select max(t, T2) m from readings order by m limit 1", "select max(device) from readings", "select sum(time_ms) from readings",
            "select avg(t) from readings where device = (select min(device) from devices)", "select group_concat(t) from readings",
            "select device from readings order by device, time_ms limit 3", "select avg(t) from main.readings",
            "select device, sum(t) as T2 from readings group by device order by T2 + 0, device",
            "select avg(time) from readings", "select min(messageid) from readings", "select count(time_source) from readings",
            "select avg(t) from readings where time >= '2020-01-01' or time < '2000-01-01'",
        ):  # fmt: skip
            with self.subTest(sql):
                self.assertNotIn(PUSHED, self.plan(sql))
                self.both_ways(sql)

    def test_metrics_may_have_the_names_of_keywords(self):
        db = self.db
        self.addCleanup(setattr, self, "db", db)
        self.db = Db(self)
        self.db.ingest(lines([reading(f"p/d{i % 3}", {"t": i, "true": 0, "end": -i, "NULL": i, "like": 1, "desc": -i,
                                                      "time": BASE_MS + i}, i + 1, BASE_MS // 1000) for i in range(30)]))
        for sql in ("select sum(t) * true from readings", "select count(*) end from readings group by device having end > 3",
                    "select max(null) from readings", "select max(t) from readings where true",
                    "select device, count(*) desc from readings group by device order by desc + 0, device",
                    "select max(\"NULL\"), min(end) from readings", "select case when sum(t) > 3 then 1 end x from readings"):
            with self.subTest(sql):
                self.both_ways(sql)

    def test_times_are_compared_by_the_store_or_reading_by_reading(self):
        many = " and ".join(f"time_ms >= {BASE_MS + i}" for i in range(60))
        by = "group by substr(time, 1, 10)"
        for where in (many, f"case when device > 'a' and time_ms > {BASE_MS + 5000} and name > 'a' then 1 else 0 end",
                      f"device between 'a' between 'b' and 'c' and time > '{utc(BASE_MS + 5000)}'"):
            with self.subTest(where[:60]):
                self.both_ways(f"select substr(time, 1, 10), count(*), min(t) from readings where {where} {by}")

    def test_mistakes_are_those_of_the_statement_as_written(self):
        for sql in ("select avg(nothing) from readings", "select avg(t) from readings where time > 'noonish'",
                    "select avg(t) from readings group by nothing", "select avg(t) from readings; select 1",
                    "select avg(t) from readings where device = ?", "select mnsdb_part_avg(1, 2) from readings",
                    "select * from readings_parts", "select round(avg(t), 1, 2, 3) from readings"):  # fmt: skip
            with self.subTest(sql):
                ways = [run("mnsdb-sql", "--db", self.db.path, sql, *way) for way in ((), ("--row-by-row",))]
                self.assertEqual(ways[0].code, 2, repr(ways[0]))
                self.assertEqual((ways[0].out, ways[0].err), (ways[1].out, ways[1].err))

    def test_nothing_left_is_null_zero_or_no_row(self):
        figures = "count(*) a, count(t) b, sum(t) c, total(t) d, avg(t) e, min(t) f, max(time) g"
        nothing = "where device = 'no/ne'"
        self.assertEqual(self.both_ways(f"select {figures} from readings {nothing}"), [[0, 0, None, 0.0, None, None, None]])
        self.assertEqual(self.both_ways(f"select {figures} from readings {nothing} group by device"), [])
        self.assertEqual(self.both_ways(f"select {figures} from readings where time_ms > 5 and time_ms < 5"),
                         [[0, 0, None, 0.0, None, None, None]])  # fmt: skip

    def test_sums_and_averages_are_those_of_stats(self):
        db = Db(self)
        values = [0.1, 0.2, 0.3, 1e15, -1e15, 0.7, 1e-7, 123456789.123456789] * 37
        db.ingest(lines([reading(f"p/d{i % 2}", {"t": v, "time": BASE_MS + i}, i + 1, BASE_MS // 1000)
                         for i, v in enumerate(values)]))  # fmt: skip
        native = db.query("stats", "t", "--agg", "sum,avg", "--by", "device")
        result = run("mnsdb-sql", "--db", db.path, "select device, sum(t), avg(t) from readings group by device", "--format", "json")
        got = [list(row.values()) for row in parse_json(result.out)]
        self.assertEqual([[row[0], float(row[1]), float(row[2])] for row in got],
                         [[row["device"], float(row["t_sum"]), float(row["t_avg"])] for row in native])  # fmt: skip
        # By name, parts of two devices are put together.
        whole = db.query("stats", "t", "--agg", "sum,avg")[0]
        result = run("mnsdb-sql", "--db", db.path, "select sum(t) s, avg(t) a from readings where device like 'P/%'",
                     "--format", "json")  # fmt: skip
        row = parse_json(result.out)[0]
        self.assertEqual([float(row["s"]), float(row["a"])], [float(whole["t_sum"]), float(whole["t_avg"])])

    def test_readings_are_those_that_count(self):
        for args in (("--where", "t > 5 and t < 30"), ("--alias", "both=t,T2"), ("--where", "both > 3", "--alias", "both=t,T2")):
            with self.subTest(args):
                metric = "both" if "--alias" in args else "t"
                sql = f"select device, count(*), sum({metric}), min({metric}), max(time) from readings group by device"
                self.assertIn(PUSHED, self.plan(sql, *args))
                self.both_ways(sql, *args)

    def test_plans_show_what_is_read(self):
        cases = {
            "select avg(t) from readings": "everything; from summaries: t",
            "select count(*) from readings where time_ms > 5": "time_ms>?; from summaries: rows",
            "select device, max(T2), count(*) from readings where device glob 'p*' group by device":
                "device glob ?; from summaries by device: rows, T2",
            "select product, sum(t) from readings group by product": "everything; from summaries by product: rows, t",
            "select time_ms / 60000, sum(t) from readings group by 1": "everything; from summaries by time: rows, t",
            "select device, substr(time, 1, 10), sum(t) from readings group by 1, 2": "from summaries by device and time: rows, t",
            "select avg(t) from readings where name like 'D%'": "name like ?; from summaries by device: t",
        }  # fmt: skip
        for sql, text in cases.items():
            with self.subTest(sql):
                self.assertTrue(self.plan(sql).endswith(text) or text + " " in self.plan(sql), self.plan(sql))
        code = self.ask("explain select avg(t) from readings")[1]
        self.assertIn("VOpen", [row[1] for row in code])

    def test_nothing_is_decoded_where_summaries_tell(self):
        sql = "select avg(t), count(*), max(time) from readings"
        told = run("mnsdb-sql", "--db", self.db.path, sql, "--explain").err.decode()
        self.assertIn("decoded 0 (0 rows)", told)
        told = run("mnsdb-sql", "--db", self.db.path, sql, "--explain", "--row-by-row").err.decode()
        self.assertIn("(400 rows)", told)

    def test_a_small_limit_takes_the_order_of_the_store(self):
        sql = "select device, t from readings order by device, time_ms"
        self.assertIn("TEMP B-TREE", self.plan(sql), "devices have few rows: sorting costs less")
        self.assertNotIn("TEMP B-TREE", self.plan(sql + " limit 5"))
        self.assertIn("in order of device, time", self.plan(sql + " limit 2 offset 3"))
        self.assertIn("TEMP B-TREE", self.plan(sql + " limit 300"))
        self.assertEqual(self.ask(sql + " limit 5")[1], self.ask(sql)[1][:5])


if __name__ == "__main__":
    harness.main()
