#!/usr/bin/env python3
"""--where and --alias against the oracle: random expressions and names over random histories."""
import os
import unittest

import harness
from harness import Db, Selection, compact, compare_rows, environment, lines, reading, rng_for, sel_args, status
from oracle import answers, excursion
from oracle.gaps import gap_list_rows, gap_rows
from oracle.seen import Aliases, Seen

ALL_AGGS = ("count", "sum", "avg", "min", "max", "first", "last", "spread", "stddev", "median", "p90",
            "min_time", "max_time", "twa")  # fmt: skip
SUMMARY_AGGS = ("count", "sum", "min", "avg", "max")
NAMES = ("temperature", "temp", "Temperature", "t", "humidity", "hum", "odd name", "not", 'q"uo\\te', "温度")
BARE = {"temperature", "temp", "Temperature", "t", "humidity", "hum", "温度"}
NUMBERS = ("-3", "0", "20", "21.5", "21.55", "22.25", "99.99", "100", "116", "2e1", "1e30", "1e-5", "-0.5",
           "0.12345678901234567890", "123456789012345678", "12345678901234567890", "1e200")  # fmt: skip
# Around the changes of the clocks: Berlin on 2024-03-31 and 2024-10-27, New York on 03-10 and 11-03.
CHANGES = (("Europe/Berlin", 1711846800000), ("Europe/Berlin", 1729990800000),
           ("America/New_York", 1710054000000), ("America/New_York", 1730613600000))  # fmt: skip


# --- random expressions ------------------------------------------------------------------------


def random_tree(rng, names, numbers, depth=0):
    kind = rng.randrange(10)
    if depth < 3 and kind < 2:
        return ("not", random_tree(rng, names, numbers, depth + 1))
    if depth < 3 and kind < 6:
        sides = [random_tree(rng, names, numbers, depth + 1) for _ in range(2)]
        return (rng.choice(("and", "or")), *sides)
    name = rng.choice(names)
    if kind == 6:
        return (rng.choice(("null", "not null")), name)
    if kind == 7:
        low, high = sorted(rng.choices(numbers, k=2), key=float)
        return (rng.choice(("between", "not between")), name, low, high)
    return (rng.choice(("<", "<=", ">", ">=", "=", "==", "!=", "<>")), name, rng.choice(numbers))


def name_text(rng, name):
    if name in BARE and rng.random() < 0.8:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def word(rng, text):
    return "".join(rng.choice((c, c.upper())) for c in text) if rng.random() < 0.3 else text


LEVEL = {"or": 0, "and": 1, "not": 2}


def tree_text(rng, tree, outer=0):
    """Parentheses where they are needed, and sometimes where they are not."""
    kind = tree[0]
    blank = rng.choice((" ", " ", "  ", "\t"))
    if kind in ("and", "or"):
        level = LEVEL[kind]
        # Both are left-associative; which side is taken first makes no difference to the outcome.
        text = blank.join((tree_text(rng, tree[1], level), word(rng, kind), tree_text(rng, tree[2], level)))
    elif kind == "not":
        level = 2
        text = word(rng, "not") + blank + tree_text(rng, tree[1], 2)
    else:
        level = 3
        text = test_text(rng, tree, blank)
    return f"({text})" if level < outer or rng.random() < 0.15 else text


def test_text(rng, tree, blank):
    name = name_text(rng, tree[1])
    if tree[0].endswith("null"):
        return blank.join((name, word(rng, "is"), word(rng, tree[0])))
    if tree[0].endswith("between"):
        return blank.join((name, word(rng, tree[0]), tree[2], word(rng, "and"), tree[3]))
    blank = rng.choice(("", blank))
    return blank.join((name, tree[0], tree[2]))


# --- random stores -----------------------------------------------------------------------------


def random_store(test, rng, rows=1500, devices=12, around=CHANGES[0][1]):
    """Devices of three firmwares; some rows have two names at once, some have odd numbers."""
    db = Db(test)
    bodies = []
    for i in range(rows):
        device = f"p{i % 3}/d{rng.randrange(devices)}"
        firmware = hash_of(device) % 3
        ms = around + rng.randint(-3 * 86400000, 3 * 86400000) // 1000 * rng.choice((1000, 1000, 999))
        if rng.random() < 0.08:
            state = rng.choice(("online", "offline"))
            bodies.append(status(device, state, i, ms // 1000, time=harness.beijing(ms)))
            continue
        values = {("temperature", "temp", "t")[firmware]: some_number(rng)}
        if rng.random() < 0.15:
            values[rng.choice(NAMES)] = some_number(rng)
        if rng.random() < 0.5:
            values[("humidity", "hum", "hum")[firmware]] = str(rng.randint(0, 120))
        if rng.random() < 0.2:
            values.pop(("temperature", "temp", "t")[firmware])
            values["x"] = "1"
        members = ",".join(f"{compact(k)}:{v}" for k, v in values.items())
        bodies.append(reading(device, "{%s,\"time\":%d}" % (members, ms), i, ms // 1000))
    third = rows // 3
    for part in (bodies[:third], bodies[third : 2 * third], bodies[2 * third :]):
        db.ingest(lines(part))
    return db


def hash_of(name):
    return sum(name.encode())


def some_number(rng):
    return rng.choice(NUMBERS) if rng.random() < 0.3 else "%.2f" % rng.uniform(15, 30)


def random_aliases(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return []
    if kind == 1:
        return [("temperature", ["temp", "t", "Temperature"])]
    if kind == 2:
        return [("t", ["temperature", "temp", "never seen"]), ("humidity", ["hum"])]
    if kind == 3:
        return [("new name", ["temp", "odd name", "not"]), ("hum", ["humidity", 'q"uo\\te'])]
    names = list(NAMES)
    rng.shuffle(names)
    return [(names[0], names[1:4]), (names[4], names[5:7])]


def alias_text(definition):
    metric, others = definition
    return f"{quoted(metric)}={','.join(map(quoted, others))}"


def quoted(name):
    return name if name in BARE else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def value_args(rng, aliases, where):
    args = [x for tree in where for x in ("--where", tree_text(rng, tree))]
    for metric, others in aliases:
        cut = rng.randint(0, len(others)) if rng.random() < 0.3 else len(others)
        for some in (others[:cut], others[cut:]):  # definitions of one metric add up
            args += ["--alias", alias_text((metric, some))] if some else []
    return args


def check(db, want, command, *args, zone="UTC", loose_keys=False):
    got = db.query(command, *args, *(["--tz", zone] if zone != "UTC" else []))
    compare_rows(got, want, f"mnsdb {command} {args}", zone, loose_keys)


class Values(unittest.TestCase):
    def check_answers(self, rng, db, aliases, where, zone):
        """Every command that reads readings, over one choice of aliases and expressions."""
        seen = Seen(db.oracle, aliases, where)
        readings = Seen(db.oracle, aliases, where, events_too=False)
        given = value_args(rng, aliases, where)
        sel = harness.random_selection(rng, db.oracle) if rng.random() < 0.5 else answers.ALL
        metrics = rng.choice(((), ("temperature", "humidity"), tuple(rng.sample(NAMES, 3))))
        shown = list(dict.fromkeys(map(Aliases(aliases).canonical, metrics)))
        by = rng.choice((None, "device", "product"))
        every, fill = rng.choice((("1d", "none"), ("6h", "null"), ("1h", "prev"), ("1w", "linear"), (None, "none")))
        for aggs in (ALL_AGGS, SUMMARY_AGGS, ("count", "first", "max_time", "p37.5")):
            args = [*metrics, *sel_args(sel), "--agg", ",".join(aggs), *given]
            args += ["--by", by] if by else []
            args += ["--every", every] if every else []
            args += ["--fill", fill] if fill != "none" else []
            args += ["--threads", "3"] if rng.random() < 0.4 else []
            columns = shown or readings.default_metrics()
            want = answers.stats_rows(readings, columns, aggs, sel, every, by, fill, zone)
            check(db, want, "stats", *args, zone=zone)
        check(db, answers.log_rows(seen, sel), "log", *sel_args(sel), *given, loose_keys=True)
        want = answers.last_rows(readings, shown, sel)
        check(db, want, "last", *metrics, *sel_args(sel), *given, loose_keys=not metrics)
        check(db, answers.metric_rows(readings, sel), "metrics", *sel_args(sel), *given)
        self.check_times(rng, db, readings, shown or [readings.aliases.canonical("temperature")], (*sel_args(sel), *given), sel)

    def check_times(self, rng, db, readings, metrics, given, sel):
        """What other commands make of the times between readings."""
        names = [rng.choice((m, *readings.aliases.names_of(m))) for m in metrics]
        limits = [excursion.limit_of("above", "22.25"), excursion.limit_of("below", "19")]
        want = excursion.excursion_rows(readings, metrics, limits, sel)
        check(db, want, "excursions", *names, "--above", "22.25", "--below", "19", *given)
        check(db, gap_rows(readings, metrics, sel), "gaps", *names, *given)
        check(db, gap_list_rows(readings, (), sel), "gaps", "--list", *given)

    def check_round(self, name, rounds, change):
        rng = rng_for(f"values {name}")
        zone, around = change
        db = random_store(self, rng, around=around)
        for i in range(rounds):
            aliases = random_aliases(rng)
            where = [random_tree(rng, NAMES, NUMBERS) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
            with self.subTest(round=i, aliases=aliases, where=where):
                self.check_answers(rng, db, aliases, where, zone)
            if i == rounds // 2:
                harness.run("mnsdb-ingest", "--db", db.path, "--settle")
        db.check_verify()

    ROUNDS = 2 if harness.SANITIZED else 6

    def test_values_in_berlin_in_spring(self):
        self.check_round("spring", self.ROUNDS, CHANGES[0])

    def test_values_in_berlin_in_autumn(self):
        self.check_round("autumn", self.ROUNDS, CHANGES[1])

    def test_values_in_new_york_in_spring(self):
        self.check_round("ny spring", self.ROUNDS, CHANGES[2])

    def test_values_in_new_york_in_autumn(self):
        self.check_round("ny autumn", self.ROUNDS, CHANGES[3])


class Summaries(unittest.TestCase):
    """Large stores of few kinds of values: what summaries decide is what rows decide."""

    @classmethod
    def setUpClass(cls):
        cls.rng = rng_for("summaries")
        cls.db = Db(cls)
        bodies = []
        count = 3000 if harness.SANITIZED else 12000
        for i in range(count):
            device = f"p/d{i % 8}"
            ms = 1600000000000 + i * 1000
            # A device has a level of its own, which rises by the half; d7 never has a temperature.
            name = ("temperature", "temp", "t")[i % 8 % 3]
            level = 10 * (i % 8) + (5 if i > count // 2 else 0)
            values = {name: level + cls.rng.randint(0, 49) / 10} if i % 8 != 7 else {"hum": 1}
            if i % 8 == 3:
                values["hum"] = i % 100
            bodies.append(reading(device, {**values, "time": ms}, i, ms // 1000))
        cls.db.ingest(lines(bodies))
        harness.run("mnsdb-ingest", "--db", cls.db.path, "--settle")

    def explained(self, *args):
        result = self.db.run("stats", *args, "--explain")
        line = [x for x in result.err.decode().splitlines() if x.startswith("where:")]
        return [int(x) for x in "".join(c if c.isdigit() else " " for c in line[0]).split()] if line else None

    def test_random_limits_over_groups_and_buckets(self):
        rng = self.rng
        numbers = [str(x) for x in (0, 4.9, 5, 9.9, 10, 15, 20, 24.9, 30, 45.5, 60, 100)]
        for _ in range(6 if harness.SANITIZED else 25):
            where = [random_tree(rng, ("temperature", "temp", "t", "hum"), numbers) for _ in range(rng.choice((1, 1, 2)))]
            aliases = rng.choice(([], [("temperature", ["temp", "t"])]))
            readings = Seen(self.db.oracle, aliases, where, events_too=False)
            by, every = rng.choice(((None, None), ("device", None), ("device", "1h"), (None, "15m")))
            sel = rng.choice((answers.ALL, Selection(1600000500000, 1600006000000), Selection(devices=("d[2-5]",))))
            args = [*sel_args(sel), "--agg", ",".join(SUMMARY_AGGS), *value_args(rng, aliases, where)]
            args += ["--by", by] if by else []
            args += ["--every", every] if every else []
            want = answers.stats_rows(readings, (), SUMMARY_AGGS, sel, every, by)
            with self.subTest(args=args):
                check(self.db, want, "stats", *args)

    def test_what_no_row_can_pass_is_not_read(self):
        none, _, judged, _ = self.explained("--where", "temperature > 1000")
        self.assertGreater(none, 0)
        self.assertEqual(judged, 0)

    def test_what_every_row_passes_is_answered_from_summaries(self):
        none, whole, judged, _ = self.explained("--where", "t is null or t >= 0", "--by", "device")
        self.assertGreater(whole, 0)
        self.assertEqual((none, judged), (0, 0))

    def test_a_limit_between_devices_reads_nothing_of_either_side(self):
        # temperature is the name of d0 (0 ... 9.9), d3 (30 ... 39.9) and d6 (60 ... 69.9)
        _, _, judged, _ = self.explained("temperature", "--where", "temperature > 20", "--by", "device")
        self.assertEqual(judged, 0)


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.db = Db(cls)
        rows = ('"a":1', '"b":2', '"a":5,"b":2', '"c":0.12345678901234567890')
        cls.db.ingest(lines([reading("p/d", '{%s,"time":%d}' % (r, 1600000000 + i), i, 1600000000) for i, r in enumerate(rows)]
                            + [status("p/d", "online", 9, 1600000009)]))  # fmt: skip

    def ids(self, *args, env=None):
        return [int(row["messageid"]) for row in self.db.query("log", *args, env=env)]

    def test_a_comparison_of_what_is_not_there_does_not_hold_nor_does_its_opposite(self):
        self.assertEqual(self.ids("--where", "a < 3"), [0])
        self.assertEqual(self.ids("--where", "not a < 3"), [2])
        self.assertEqual(self.ids("--where", "a < 3 or b = 2"), [0, 1, 2])
        self.assertEqual(self.ids("--where", "a != 1"), [2])

    def test_an_event_is_a_row_without_metrics(self):
        self.assertEqual(self.ids("--where", "a is null"), [1, 3, 9])
        self.assertEqual(self.ids("--where", "a is not null"), [0, 2])

    def test_a_double_is_found_by_what_was_sent(self):
        self.assertEqual(self.ids("--where", "c = 0.12345678901234567890"), [3])
        self.assertEqual(self.ids("--where", "c between 0.1234567890123456 and 0.1234567890123457"), [3])

    def test_every_expression_must_hold(self):
        self.assertEqual(self.ids("--where", "a > 0", "--where", "b > 0"), [2])

    def test_a_metric_that_was_never_seen_is_a_warning_with_a_guess(self):
        result = self.db.run("stats", "--where", "aa < 3")
        self.assertEqual(result.code, 0)
        self.assertIn(b"--where: the store never saw a metric 'aa'", result.err)

    def test_a_mistake_is_shown_at_its_place(self):
        for text, mark, words in (
            ("a <", "     ^", "expected a number, found the end"),
            ("a < hot", "      ^~~", "expected a number"),
            ("温 & b", "     ^", "write 'and'"),
            ("(a < 1", "  ^", "no ')' closes this '('"),
            ("a = 1 b = 2", "        ^", "expected 'and', 'or' or the end"),
            ("a between 3 and 1", "            ^~~~~~~", "the lower bound comes first"),
            ("a < 1e999", "      ^~~~~", "no number"),
            ("a < 10kg", "        ^~", "a number stands without a unit"),
        ):
            with self.subTest(text=text):
                result = self.db.run("stats", "--where", text)
                shown = result.err.decode().splitlines()
                self.assertEqual(result.code, 2)
                self.assertEqual(shown[0], "  " + text)
                self.assertEqual(shown[1], mark)
                self.assertIn(words, shown[2])
                self.assertEqual(result.out, b"")


class Configuration(unittest.TestCase):
    """Aliases of the environment and of files; the stronger source counts."""

    def setUp(self):
        self.db = Db(self)
        self.db.ingest(lines([reading("p/d", {"temp": 1, "hum": 2, "t": 3}, 1, 1600000000)]))
        self.folder = self.db.home / "config" / "mnsdb"
        self.folder.mkdir(parents=True)
        self.env = environment(XDG_CONFIG_HOME=str(self.db.home / "config"), HOME="/nonexistent")

    def columns(self, *args, **env):
        rows = self.db.query("last", *args, env={**self.env, **env})
        return [k for k in rows[0] if k not in ("device", "last_seen", "state", "state_since") and not k.endswith("_time")]

    def write(self, text, path=None):
        path = path or self.folder / "query.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)

    def test_without_aliases_names_are_the_stores(self):
        self.assertEqual(self.columns(), ["hum", "t", "temp"])

    def test_a_flag_is_stronger_than_the_environment_and_that_than_a_file(self):
        self.write(b"# of the house\n\nalias = file=temp\r\nalias = humidity=hum\n")
        self.assertEqual(self.columns(), ["file", "humidity", "t"])
        self.assertEqual(self.columns(MNSDB_ALIASES="environment = temp ;"), ["environment", "humidity", "t"])
        self.assertEqual(self.columns("--alias", "flag=temp", MNSDB_ALIASES="environment=temp"), ["flag", "humidity", "t"])
        self.assertEqual(self.columns("--no-alias"), ["hum", "t", "temp"])
        self.assertEqual(self.columns("--no-alias", "--alias", "x=t"), ["hum", "temp", "x"])

    def test_the_file_of_the_home_counts_where_no_folder_is_named(self):
        self.write(b"alias = mine=t", self.db.home / ".config" / "mnsdb" / "query.conf")
        env = {k: v for k, v in self.env.items() if k != "XDG_CONFIG_HOME"}
        rows = self.db.query("last", env={**env, "HOME": str(self.db.home)})
        self.assertIn("mine", rows[0])

    def test_aliases_says_where_each_comes_from(self):
        self.write(b"alias = humidity=hum\n\nalias = x=y,z\n")
        result = harness.run("mnsdb", "aliases", "--alias", "temperature=temp", "--format", "json",
                             env={**self.env, "MNSDB_ALIASES": "x=q"})  # fmt: skip
        rows = harness.parse_json(result.out)
        path = str(self.folder / "query.conf")
        self.assertEqual([tuple(row.values()) for row in rows],
                         [("temperature", "temp", "--alias", None), ("x", "q", "$MNSDB_ALIASES", None),
                          ("humidity", "hum", path, "1")])  # fmt: skip

    def test_a_file_that_cannot_be_read_names_its_line(self):
        for text, line, words in (
            (b"alias temperature=temp\n", 1, "unknown setting"),
            (b"\n\nnonsense\n", 3, "no setting: write 'alias = temperature=temp,t'"),
            (b"[alias]\n", 1, "there are no sections"),
            (b"alias = a=b\nalias = c=b\n", 2, "'b' cannot stand for two metrics"),
            (b"alias = a=b # comment\n", 1, "expected ',' or the end at '# comment'"),
            (b"alias = a=\"b\n", 1, "expected a '\"' that ends the name"),
            (b"alias = a\n", 1, "expected '='"),
            (b"alias =\n", 1, "no value"),
            (b"alias = a=b\x07\n", 1, "a control character"),
        ):
            with self.subTest(text=text):
                self.write(text)
                result = self.db.run("stats", env=self.env)
                self.assertEqual(result.code, 3, result)
                self.assertIn(f"query.conf:{line}: ", result.err.decode())
                self.assertIn(words, result.err.decode())

    def test_a_file_that_everybody_may_write_to_is_refused(self):
        self.write(b"alias = a=b\n")
        os.chmod(self.folder / "query.conf", 0o666)
        result = self.db.run("stats", env=self.env)
        self.assertEqual(result.code, 3)
        self.assertIn(b"chmod o-w", result.err)

    def test_a_mistake_in_the_environment_is_one_of_configuration(self):
        result = self.db.run("stats", env={**self.env, "MNSDB_ALIASES": "a=b;c=b"})
        self.assertEqual(result.code, 3)
        self.assertIn(b"$MNSDB_ALIASES: 'b' cannot stand for two metrics", result.err)
        self.assertEqual(self.db.run("stats", "--alias", "a", env=self.env).code, 2)

    def test_commands_that_know_no_metrics_do_not_look_at_it(self):
        self.write(b"nonsense\n")
        self.assertEqual(self.db.run("info", env=self.env).code, 0)
        self.assertEqual(self.db.run("verify", env=self.env).code, 0)


if __name__ == "__main__":
    unittest.main()
