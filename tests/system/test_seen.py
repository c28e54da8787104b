#!/usr/bin/env python3
# ctest: timeout=600
"""--where and --alias in check, report, watch, log --follow and SQL.

What they leave and rename is the same as a store that was never sent anything else: every answer is
compared with that of such a store, and SQL with tables made from the oracle.
"""
import os
import re
import signal
import subprocess
import time
import unittest

import harness
from harness import Db, compact, lines, parse_json, reading, rng_for, run, status
from oracle import number
from oracle.seen import Aliases, Seen, truth
from test_sql import Statements, from_json, plain_tables, same, sort_key
from test_values import CHANGES, NUMBERS, hash_of, random_aliases, random_tree, tree_text, value_args

NAMES = ("temperature", "temp", "Temperature", "t", "humidity", "hum", "odd name")
LEVELS = ("18", "20", "21.5", "22.25", "25", "40", "60", "99.99", "100")
MINUTE = 60000
DAY = 86400000


class History:
    """What devices of three firmwares sent: bodies, and the values in each."""

    def __init__(self, rng, around, devices=8, days=2, step=7 * MINUTE, names=NAMES):
        self.span = (around - days * DAY // 2, around + days * DAY // 2)
        self.rows = []  # (device, {name: text}, id, ms)
        self.events = []  # bodies
        next_id = 0
        for d in range(devices):
            device = f"p{d % 3}/d{d}"
            level = rng.uniform(15, 25)
            ms = self.span[0] + rng.randint(0, step)
            frozen = rng.random() < 0.3
            self.events.append(status(device, "online", 10**6 + d, ms // 1000, time=harness.beijing(ms)))
            while ms < self.span[1]:
                level += rng.uniform(-0.5, 0.5)
                firmware = hash_of(device) % 3
                shown = 21.5 if frozen and ms > around else level + (30 if rng.random() < 0.01 else 0)
                values = {("temperature", "temp", "t")[firmware]: "%.2f" % shown}
                if rng.random() < 0.7:
                    values[("humidity", "hum", "hum")[firmware]] = str(rng.randint(20, 108))
                if rng.random() < 0.1:
                    values[rng.choice(names)] = rng.choice(LEVELS)
                self.rows.append((device, values, next_id, ms))
                next_id += 1
                ms += step + rng.randint(-MINUTE, MINUTE) + (rng.randint(0, 6 * 3600000) if rng.random() < 0.02 else 0)
                if rng.random() < 0.02:
                    state = rng.choice(("online", "offline"))
                    self.events.append(status(device, state, 2 * 10**6 + next_id, ms // 1000, time=harness.beijing(ms)))

    def bodies(self, aliases=(), where=()):
        """The set as it would be if devices had sent what is seen, and nothing else."""
        names = Aliases(aliases)
        bodies = list(self.events)
        for device, texts, messageid, ms in self.rows:
            values = names.values(texts)
            numbers = {name: number.value_of_text(text) for name, text in values.items()}
            if all(truth(tree, numbers, names.canonical) is True for tree in where):
                members = "".join(f"{compact(name)}:{text}," for name, text in values.items())
                bodies.append(reading(device, "{%s\"time\":%d}" % (members, ms), messageid, ms // 1000))
        return bodies


def make_db(test, rng, bodies):
    db = Db(test)
    rng.shuffle(bodies)
    cuts = sorted(rng.randint(0, len(bodies)) for _ in range(2))
    for part in (bodies[: cuts[0]], bodies[cuts[0] : cuts[1]], bodies[cuts[1] :]):
        if part:
            db.ingest(lines(part), oracle=False)
    return db


def expressions(rng):
    return [random_tree(rng, NAMES[:6], LEVELS) for _ in range(rng.choice((0, 1, 1, 2)))]


class Equivalence(unittest.TestCase):
    """A store seen through options answers as a store of what is seen."""

    ROUNDS = 3 if harness.SANITIZED else 8

    def rounds(self, name, count=ROUNDS):
        for i in range(count):
            rng = rng_for(f"{name} {i}")
            zone, around = CHANGES[i % len(CHANGES)]
            history = History(rng, around)
            usual = rng.choice(([], [("temperature", ["temp", "t", "Temperature"])]))
            aliases = usual if name == "report" else random_aliases(rng)
            where = expressions(rng)
            whole = make_db(self, rng, history.bodies())
            seen = make_db(self, rng, history.bodies(aliases, where))
            # The ends of the range are those of all rows: given, they are the same in both stores.
            given = ["--from", f"@{history.span[0]}", "--to", f"@{history.span[1] + DAY}", "--tz", zone]
            self.aliases = Aliases(aliases)
            self.say = f"round {i}, {aliases}, {where} (MNSDB_TEST_SEED={harness.SEED})"
            yield rng, whole, seen, value_args(rng, aliases, where), given

    def test_check_finds_what_it_would_find_in_that_store(self):
        found = 0
        for rng, whole, seen, values, given in self.rounds("check"):
            limits = rng.choice(([], ["--frozen", "5/1h", "--gap", "2/10m"], ["--jump", "3", "--silent", "15m"]))
            limits = [*limits, "--format", "json"]
            got, want = (self.findings(db, *given, *limits, *more) for db, more in ((whole, values), (seen, ["--no-alias"])))
            self.assertEqual([{k: v for k, v in row.items() if k != "more"} for row in got],
                             [{k: v for k, v in row.items() if k != "more"} for row in want], self.say)  # fmt: skip
            found += len(want)
            if got:
                self.follow_up(whole, rng.choice(got), values)
        self.assertGreater(found, 5, "histories in which nothing is found test nothing")

    def findings(self, db, *args):
        result = db.run("check", *args)
        self.assertIn(result.code, (0, 1), result)
        return parse_json(result.out)

    def follow_up(self, db, finding, values):
        """The line that shows more takes the options along, where it is about readings, and runs."""
        words = finding["more"].split()
        self.assertEqual(words[0], "mnsdb")
        command = next(w for w in words[1:] if w in ("log", "stats", "gaps", "sessions", "online"))
        if command in ("stats", "gaps") and values:
            self.assertIn("--where" if "--where" in values else "--alias", finding["more"])
        env = harness.environment(PATH=f"{harness.bin_dir()}:{os.environ['PATH']}", MNSDB_DB=str(db.path))
        done = subprocess.run(["bash", "-c", finding["more"]], env=env, capture_output=True)
        self.assertEqual(done.returncode, 0, (finding["more"], done))

    def test_a_report_shows_what_it_would_show_of_that_store(self):
        compared = 0
        for i, (_, whole, seen, values, given) in enumerate(self.rounds("report", 10 * self.ROUNDS)):
            if i >= self.ROUNDS and compared > 0:
                break
            pages = []
            for db, more in ((whole, values), (seen, ["--no-alias"])):
                result = db.run("report", "--html", "-", *given, *more)
                self.assertEqual(result.code, 0, result)
                pages.append(result.out.decode())
            # A metric that is known is shown by default, be it without a reading that counts, and
            # temperature under any name that answers it.
            known = [self.names(db, more) for db, more in ((whole, values), (seen, ["--no-alias"]))]
            same_names = known[0] == known[1] and self.aliases.canonical("temperature") == "temperature"
            same_names = same_names and self.aliases.canonical("humidity") == "humidity"
            compared += same_names
            for section in ("readings", "findings", "gaps", "availability")[0 if same_names else 1 :]:
                got, want = (self.section(page, section) for page in pages)
                self.assertEqual(got, want, f"{section}, {self.say}")
            self.assertEqual("<dt>Readings that count</dt>" in pages[0], "--where" in values)
        self.assertGreater(compared, 0)

    def names(self, db, more):
        """The names that answer, of all metrics that the store knows."""
        skipped = {i + k for i, x in enumerate(more) if x == "--where" for k in (0, 1)}
        return [row["metric"] for row in db.query("metrics", *[x for i, x in enumerate(more) if i not in skipped])]

    def section(self, page, name):
        start = page.index(f'<section id="{name}"')
        text = page[start : page.index("</section>", start)]
        return re.sub(r"<code[^>]*>mnsdb .*?</code>", "", text, flags=re.DOTALL)

    def test_watch_shows_the_newest_readings_that_count(self):
        for _, whole, seen, values, given in self.rounds("watch"):
            screens = []
            for db, more in ((whole, values), (seen, ["--no-alias"])):
                result = db.run("watch", "--once", *given[4:], *more)
                self.assertEqual(result.code, 0, result)
                screens.append(result.out.decode().split("Seen last", 1)[1])
            self.assertEqual(*screens, self.say)


class Following(unittest.TestCase):
    def follow(self, db, *args):
        out = open(db.home / "followed", "wb+")
        self.addCleanup(out.close)
        process = subprocess.Popen([str(harness.bin_dir() / "mnsdb"), "-d", str(db.path), "log", "--follow", "--format",
                                    "ndjson", "--interval", "50ms", *args], stdout=out, env=harness.environment())  # fmt: skip
        self.addCleanup(process.kill)
        return process, out

    def wait_for(self, out, count):
        until = time.monotonic() + 180
        while time.monotonic() < until:
            out.seek(0)
            text = out.read()
            if text.count(b"\n") >= count:
                return text
            time.sleep(0.05)
        return self.fail(f"{text.count(bytes([10]))} of {count} lines")

    def test_every_row_that_counts_comes_once_while_parts_are_made_and_merged(self):
        rng = rng_for("follow where")
        db = Db(self)
        bodies, wanted = [], []
        for i in range(9000):
            ms = 1600000000000 + (i % 50) * 40000 + i
            value = rng.randint(0, 99)
            bodies.append(reading(f"p/d{i % 7}", {"temp" if i % 2 else "t": value, "time": ms}, i, ms // 1000))
            if value < 30:
                wanted.append(str(i))
        # Parts of as many rows each, whose extremes lie on both sides of the limit.
        steps = [bodies[i : i + 1000] for i in range(0, len(bodies), 1000)]
        db.ingest(lines(steps[0]), oracle=False)
        before = sum(int(x) < 1000 for x in wanted)
        process, out = self.follow(db, "--tail", "100000", "--where", "temperature < 30", "--alias", "temperature=temp,t")
        self.wait_for(out, before)
        for step, more in enumerate(steps[1:], 2):
            db.ingest(lines(more), oracle=False)
            if step % 3 == 0:
                run("mnsdb-ingest", "--db", db.path, "--settle")
            self.wait_for(out, sum(int(x) < 1000 * step for x in wanted))
        time.sleep(0.2)
        text = self.wait_for(out, len(wanted)).decode()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        ids = [row["messageid"] for row in map(lambda x: parse_json(x.encode()), text.splitlines())]
        self.assertEqual(sorted(ids, key=int), wanted)

    def test_the_tail_counts_rows_that_count(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", {"a": i % 10, "time": 1600000000 + i}, i, 1600000000) for i in range(500)]), oracle=False)
        process, out = self.follow(db, "--tail", "5", "--where", "a = 3")
        rows = [parse_json(line) for line in self.wait_for(out, 5).splitlines()]
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        self.assertEqual([row["messageid"] for row in rows], ["453", "463", "473", "483", "493"])


class Sql(unittest.TestCase):
    """Statements over what is seen, against tables of the same rows."""

    class Rows:
        """The oracle's store, with the rows that count under the names that answer them."""

        def __init__(self, seen):
            self.devices = seen.devices
            self.rows = [row for device in seen.devices for row in seen.rows_of(device)]
            self.events = seen.store.events

    STATEMENTS = 12 if harness.SANITIZED else 40

    def select(self, db, sql, *args):
        result = run("mnsdb-sql", "--db", db.path, "--format", "json", sql, *args)
        self.assertEqual(result.code, 0, repr(result))
        return [[from_json(cell) for cell in row.values()] for row in parse_json(result.out)]

    def compare(self, got, want, say):
        self.assertEqual(len(got), len(want), say)
        for g, w in zip(got, want):
            self.assertTrue(len(g) == len(w) and all(map(same, g, w)), f"{say}\ngot      {g}\nexpected {w}")

    def check_round(self, name, change):
        rng = rng_for(f"sql seen {name}")
        db = Db(self)
        # SQLite takes Temperature and temperature for one name.
        bodies = History(rng, change[1], step=20 * MINUTE, names=[n for n in NAMES if n != "Temperature"]).bodies()
        rng.shuffle(bodies)
        for third in range(3):
            db.ingest(lines(bodies[third::3]))
        for aliases in ([], [("temperature", ["temp", "t"]), ("humidity", ["hum"])]):
            where = expressions(rng)
            values = value_args(rng, aliases, where)
            seen = Seen(db.oracle, aliases, where)
            rows = self.Rows(seen)
            if not rows.rows:
                continue
            if not {"temperature", "humidity"} <= {m for row in rows.rows for m in row.values}:
                continue
            plain = plain_tables(rows)
            statements = Statements(rng, rows)
            for _ in range(self.STATEMENTS):
                sql, ordered = statements.next()
                if "select *" in sql and "from readings" in sql:
                    continue  # columns of metrics that no row has are there in one and not in the other
                want = [list(row) for row in plain.execute(sql)]
                got = self.select(db, sql, *values)
                if not ordered:
                    got.sort(key=sort_key)
                    want.sort(key=sort_key)
                self.compare(got, want, f"{sql} {values} (MNSDB_TEST_SEED={harness.SEED})")
            self.check_tables(rng, db, values)

    def check_tables(self, rng, db, values):
        """stats, excursions and metrics say what the commands say."""
        tree = tree_text(rng, random_tree(rng, NAMES[:6], NUMBERS))
        own = rng.choice(([], ["--where", tree]))
        literal = tree.replace("'", "''")
        asked = f" and filter = '{literal}'" if own else ""
        want = [list(map(from_json, row.values()))
                for row in db.query("stats", "t", "--by", "device", "--agg", "count,avg,p90,twa", *values, *own)]  # fmt: skip
        got = self.select(db, "select device, count, avg, p90, twa from stats where metric = 't' and by = 'device'"
                          + asked, *values)  # fmt: skip
        self.compare(got, want, (values, own))
        want = [[row["device"], row["start"], from_json(row["extreme"])]
                for row in db.query("excursions", "t", "--above", "22", *values, *own)]  # fmt: skip
        got = self.select(db, "select device, start, extreme from excursions where metric = 't' and above = 22"
                          + asked, *values)  # fmt: skip
        self.compare(sorted(got, key=str), sorted(want, key=str), (values, own))
        want = [list(map(from_json, row.values())) for row in db.query("metrics", *values)]
        got = self.select(db, "select metric, value_count, min, max, first_seen, last_seen from metrics", *values)
        self.compare(got, want, values)

    def test_statements_see_what_commands_see(self):
        for name, change in zip(("berlin", "york"), CHANGES[::2]):
            self.check_round(name, change)

    def test_aliases_of_the_environment_name_the_columns(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", {"temp": 5, "time": 1600000000}, 1, 1600000000),
                         reading("p/d", {"t": 7, "time": 1600000001}, 2, 1600000001)]))  # fmt: skip
        env = harness.environment(MNSDB_ALIASES="temperature=temp,t")
        sql = "select group_concat(temperature) from readings"
        self.assertEqual(run("mnsdb", "sql", "--db", db.path, sql, "--no-header", env=env).out, b"5.0,7.0\n")
        self.assertEqual(run("mnsdb", "sql", "--db", db.path, sql, "--no-alias", env=env).code, 2)

    def test_mistakes_are_told(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", {"a": 5, "time": 1600000000}, 1, 1600000000)]))
        result = run("mnsdb-sql", "--db", db.path, "select 1", "--where", "a <")
        self.assertEqual((result.code, result.out), (2, b""))
        self.assertIn(b"--where: expected a number", result.err)
        result = run("mnsdb-sql", "--db", db.path, "select count from stats where metric = 'a' and filter = 'a < hot'")
        self.assertEqual((result.code, result.out), (2, b""))
        self.assertIn(b"filter, at character 5: expected a number", result.err)
        result = run("mnsdb-sql", "--db", db.path, "select count(*) from readings", "--where", "b < 5", "--no-header")
        self.assertEqual((result.code, result.out), (0, b"0\n"))
        self.assertIn(b"the store never saw a metric 'b'", result.err)


if __name__ == "__main__":
    unittest.main()
