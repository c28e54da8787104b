#!/usr/bin/env python3
"""The command line: exit codes, formats, ordering, limits, time expressions, globs, usage errors."""
import csv
import io
import os
import shutil
import stat
import subprocess
import time
import unittest
from pathlib import Path

import harness
from harness import Db, Selection, bin_dir, clock, environment, lines, parse_json, reading, run, status
from oracle import answers

NOW_S = 1600000000
NOW_MS = NOW_S * 1000

LISTING = ("stats", "online", "sessions", "last", "log", "devices", "metrics", "rejects")


def some_store(test):
    db = Db(test)
    bodies = []
    for i, device in enumerate(("p1/a", "p1/b", "p2/a", "p2/B x", "p3/c*d", "p3/[x]", "p3/q\\r", "p3/é")):
        for j in range(6):
            ms = NOW_MS + j * 3600000 + i * 1000
            values = {"temperature": 20 + i + j / 10, "time": ms}
            if i % 2:
                values["humidity"] = 50 - j
            bodies.append(reading(device, values, 1000 * i + j, NOW_S))
        if i % 3:
            bodies.append(status(device, "online", 1000 * i + 10, NOW_S, time=NOW_MS + i * 60000))
        if i % 3 == 2:
            bodies.append(status(device, "offline", 1000 * i + 11, NOW_S, time=NOW_MS + i * 600000))
    bodies.append(b"rubbish, with\ttab")
    db.ingest(lines(bodies))
    return db


def wait_for_open(pid, path):
    """Until the process has opened the file: looking from outside, to disturb nothing."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(link) == str(path.resolve()):
                    time.sleep(1)  # from opening to locking it
                    return
            except FileNotFoundError:
                pass
        time.sleep(0.005)
    raise AssertionError(f"{path} was never opened")


class WithStore(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.db = some_store(cls)

    def ok(self, *args, **kw):
        result = self.db.run(*args, **kw)
        self.assertEqual(result.code, 0, result)
        return result


class Formats(WithStore):
    def test_every_command_in_json_ndjson_and_csv_says_the_same(self):
        for command in (*LISTING, "verify"):
            with self.subTest(command=command):
                rows = self.db.query(command)
                text = self.ok(command, "--format", "ndjson").out
                self.assertEqual([parse_json(line) for line in text.splitlines()], rows)
                table = list(csv.reader(io.StringIO(self.ok(command, "--format", "csv").out.decode(), newline="")))
                if rows:
                    self.assertEqual(table[0], list(rows[0]))
                    self.assertEqual(table[1:], [["" if c is None else str(c) for c in row.values()] for row in rows])
                bare = self.ok(command, "--format", "csv", "--no-header").out.decode()
                self.assertEqual(list(csv.reader(io.StringIO(bare, newline=""))), table[1:])

    def test_without_a_format_a_pipe_gets_tsv(self):
        for command in (*LISTING, "info"):
            self.assertEqual(self.ok(command).out, self.ok(command, "--format", "tsv").out)

    def test_tsv_columns_are_those_of_json(self):
        rows = self.db.query("devices")
        table = [line.split("\t") for line in self.ok("devices", "--format", "tsv").out.decode().splitlines()]
        self.assertEqual(table[0], list(rows[0]))
        self.assertEqual([row[4] for row in table[1:]], [row["last_seen"] for row in rows])

    def test_info_is_one_object(self):
        for form in ("json", "ndjson"):
            info = parse_json(self.ok("info", "--format", form).out)
            self.assertEqual(
                list(info),
                ["stored", "duplicates", "rejected", "readings", "status_events", "devices", "metrics", "clock_faults",
                 "first_time", "last_time", "bytes", "format_version"],
            )  # fmt: skip

    def test_tables_and_markdown_hold_every_device(self):
        for form in ("table", "md"):
            text = self.ok("devices", "--format", form).out.decode()
            for name in ("p1/a", "p2/B x", "p3/é"):
                self.assertIn(name, text)
            self.assertNotIn("\x1b", text)
        self.assertIn("|", self.ok("devices", "--format", "md").out.decode().splitlines()[1])

    def test_options_stand_anywhere_on_the_line(self):
        want = self.ok("devices", "--format", "json").out
        for args in (
            ("--db", self.db.path, "devices", "--format", "json"),
            ("--format", "json", "devices", "-d", self.db.path),
            ("--format=json", f"--db={self.db.path}", "devices"),
            (f"-d{self.db.path}", "devices", "--format=json"),
        ):
            result = run("mnsdb", *args)
            self.assertEqual((result.code, result.out), (0, want), result)

    def test_the_store_comes_from_the_environment_or_the_working_directory(self):
        want = self.ok("devices").out
        result = run("mnsdb", "devices", env=environment(MNSDB_DB=str(self.db.path)))
        self.assertEqual(result.out, want, result)
        shutil.copytree(self.db.path, self.db.home / "mnsdb-store")
        self.assertEqual(run("mnsdb", "devices", cwd=self.db.home).out, want)

    def test_explain_goes_to_stderr_only(self):
        for command in ("stats", "online", "log"):
            plain = self.ok(command, "--format", "json")
            told = self.ok(command, "--format", "json", "--explain")
            self.assertEqual(told.out, plain.out)
            self.assertTrue(told.err.strip())

    def test_programs_beside_are_found_by_name(self):
        result = run("mnsdb", "ingest", "--db", self.db.path, "--summary", "json", "-", stdin=b"")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(parse_json(result.out)["received"], "0")
        for name in ("ingest", "fleet", "bench"):
            self.assertEqual(run("mnsdb", name, "--help").out, run(f"mnsdb-{name}", "--help").out)
        self.assertNotEqual(run("mnsdb", "ingest", "--no-such-option").code, 0)


class Ordering(WithStore):
    def column(self, field, *args):
        return [row[field] for row in self.db.query(*args)]

    def test_order_by_a_number_both_ways_with_nulls_last(self):
        command = ("stats", "humidity", "temperature", "--by", "device")
        up = self.column("humidity_avg", *command, "--order-by", "humidity_avg")
        down = self.column("humidity_avg", *command, "--order-by", "humidity_avg:desc")
        known = sorted((v for v in up if v is not None), key=float)
        self.assertEqual([v for v in up if v is not None], known)
        self.assertEqual([v for v in down if v is not None], sorted(known, key=float, reverse=True))
        for values in (up, down):
            self.assertEqual(values[-4:], [None] * 4)

    def test_names_order_by_bytes(self):
        names = self.column("device", "devices")
        self.assertEqual(names, sorted(names, key=str.encode))
        down = self.column("device", "devices", "--order-by", "device:desc")
        self.assertEqual(down, names[::-1])

    def test_order_by_a_time_and_a_duration(self):
        times = self.column("last_seen", "devices", "--order-by", "last_seen:desc")
        self.assertEqual(times, sorted(times, reverse=True))
        durations = [int(v) for v in self.column("online_ms", "online", "--order-by", "online_ms")]
        self.assertEqual(durations, sorted(durations))

    def test_a_limit_cuts_after_ordering(self):
        everything = self.db.query("log", "--order-by", "temperature:desc")
        self.assertEqual(self.db.query("log", "--order-by", "temperature:desc", "--limit", "3"), everything[:3])
        self.assertEqual(self.db.query("log", "--limit", "1000000"), self.db.query("log"))
        for command in ("log", "devices", "online", "sessions", "metrics", "last"):
            self.assertEqual(self.db.query(command, "--limit", "2"), self.db.query(command)[:2])

    def test_an_unknown_field_is_a_usage_error(self):
        self.assertEqual(self.db.run("devices", "--order-by", "nothing").code, 2)


class Times(WithStore):
    def rows(self, *args, **kw):
        return [row["messageid"] for row in self.db.query("log", *args, **kw)]

    def test_every_spelling_of_an_instant_means_the_same(self):
        want = [str(row["messageid"]) for row in answers.log_rows(self.db.oracle, Selection(NOW_MS + 3600000, NOW_MS + 7200000))]
        # 2020-09-13T12:26:40Z and an hour more
        for low, high, zone in (
            ("2020-09-13T13:26:40Z", "2020-09-13T14:26:40Z", "UTC"),
            ("2020-09-13T13:26:40.000+00:00", "2020-09-13T22:26:40+08:00", "UTC"),
            ("2020-09-13 13:26:40", "2020-09-13 14:26:40", "UTC"),
            ("2020-09-13T21:26:40.000", "2020-09-13T22:26:40", "Asia/Shanghai"),
            ("2020-09-13 09:26:40.0", "2020-09-13 10:26:40", "America/New_York"),
            ("2020-09-13 18:56:40", "2020-09-13 19:56:40", "+05:30"),
            ("@1600003600", "@1600007200", "Europe/Berlin"),
            ("@1600003600000", "@1600007200000", "Europe/Berlin"),
            ("@1600003599.999", "@1600007200.0", "Europe/Berlin"),
        ):
            with self.subTest(low=low, high=high, zone=zone):
                self.assertEqual(self.rows("--from", low, "--to", high, "--tz", zone), want)

    def test_dates_and_minutes_are_read_in_the_display_zone(self):
        count = lambda low, high: len(answers.log_rows(self.db.oracle, Selection(low, high)))  # noqa: E731
        midnight = clock.read_text_time("2020-09-13 16:00Z", None)
        self.assertEqual(len(self.rows("--from", "2020-09-14", "--tz", "Asia/Shanghai")), count(midnight, None))
        self.assertEqual(len(self.rows("--to", "2020-09-14 00:00", "--tz", "+08:00")), count(None, midnight))
        env = environment(MNSDB_TZ="Asia/Shanghai")
        self.assertEqual(len(self.rows("--from", "2020-09-14T00:00", env=env)), count(midnight, None))

    def test_times_relative_to_now(self):
        db = Db(self)
        now_s = int(time.time())
        ages = (100, 3600 * 2, 3600 * 30, 86400 * 8)
        db.ingest(lines(reading("p/d", {"v": i, "time": now_s - age}, i, now_s) for i, age in enumerate(ages)))

        def count(*args):
            return len(db.query("log", *args))

        self.assertEqual(count("--from", "now-1h"), 1)
        self.assertEqual(count("--from", "-1h"), 1)
        self.assertEqual(count("--from", "now-2h30m"), 2)
        self.assertEqual(count("--from", "-2d"), 3)
        self.assertEqual(count("--from=-7d"), 3)
        self.assertEqual(count("--to", "now"), 4)
        self.assertEqual(count("--from", "now"), 0)
        self.assertEqual(count("--to", "-7d"), 1)

    def test_shown_times_carry_the_zones_offset(self):
        (row, *_) = self.db.query("devices", "--tz", "America/New_York")
        self.assertEqual(row["first_seen"], "2020-09-13T08:26:40.000-04:00")
        (row, *_) = self.db.query("devices", env=environment(MNSDB_TZ="+05:30"))
        self.assertEqual(row["first_seen"], "2020-09-13T17:56:40.000+05:30")
        (row, *_) = self.db.query("devices", "--tz", "UTC", env=environment(MNSDB_TZ="Asia/Shanghai"))
        self.assertEqual(row["first_seen"], "2020-09-13T12:26:40.000Z")

    def test_online_up_to_now_uses_the_clock(self):
        before = int(time.time() * 1000)
        row = self.db.query("online", "--from", "@%d" % NOW_S, "--to", "now", "--device", "p1/b")[0]
        after = int(time.time() * 1000)
        total = sum(int(row[f]) for f in ("online_ms", "offline_ms", "unknown_ms"))
        self.assertTrue(before - NOW_MS <= total <= after - NOW_MS, row)

    def test_ranges_for_online_with_missing_bounds_never_cross(self):
        last = self.db.oracle.last_ms
        first = self.db.oracle.first_ms
        for sel in (Selection(last + 5000), Selection(to_ms=first - 5000), Selection(first, first), Selection(last), Selection(to_ms=first)):
            self.db.check_online(sel)
            self.db.check_online(sel, by="none")
            self.db.check_sessions(sel)


class Globs(WithStore):
    def test_globs_match_whole_names(self):
        for globs in (
            ("p1/a",), ("a",), ("p1/*",), ("*",), ("?",), ("p?/a",), ("*a",), ("A",), ("[ab]",), ("p[12]/a",), ("c\\*d",), ("c*d",),
            ("\\[x\\]",), ("q\\\\r",), ("é",), ("B x", "b"), ("nothing", "c*"), ("p3/?",),
        ):  # fmt: skip
            with self.subTest(globs=globs):
                sel = Selection(devices=globs)
                self.db.check(answers.device_rows(self.db.oracle, sel), "devices", *harness.sel_args(sel))
                self.db.check_online(sel)
                self.db.check_stats(sel=sel)

    def test_products_and_devices_both_have_to_match(self):
        for devices, products in ((("a",), ("p2",)), ((), ("p*",)), (("*",), ("p1", "p3")), (("a",), ("P2",)), ((), ("p",))):
            sel = Selection(devices=devices, products=products)
            self.db.check(answers.device_rows(self.db.oracle, sel), "devices", *harness.sel_args(sel))
            self.db.check_log(sel)

    def test_no_match_is_no_error_but_a_warning(self):
        for command in ("online", "sessions", "last", "log", "devices", "metrics"):
            result = self.ok(command, "--device", "nobody", "--format", "json")
            self.assertEqual(parse_json(result.out), [])
            self.assertTrue(result.err.strip(), f"{command} without a warning")
        self.db.check_stats(sel=Selection(devices=("nobody",)))
        self.db.check_stats(sel=Selection(devices=("nobody",)), by="device")


class Columns(unittest.TestCase):
    def test_a_metric_named_like_a_field_gets_a_prefix(self):
        db = Db(self)
        names = ("device", "kind", "metric:kind", "messageid", "time_source", "state", "last_seen", "state_since", "v")
        values = {name: i for i, name in enumerate(names)}
        db.ingest(lines([reading("p/d", values, 5, NOW_S)]))
        (row,) = db.check_log()
        self.assertEqual(row["metric:device"], "0")
        self.assertEqual(sorted(row[n] for n in row if n.endswith("kind") and n != "kind"), ["1", "2"])
        (row,) = db.query("last", *names)
        self.assertEqual(row["metric:state"], "5")
        self.assertEqual(row["metric:last_seen"], "6")
        self.assertEqual(row["device"], "p/d")

    def test_no_object_ever_has_two_equal_keys(self):
        db = Db(self)
        names = ("a", "a_time", "a_min", "a_min_time", "metric:a", "time", "metric:time", "a_p5", "a_p5_p5", "device")
        db.ingest(lines([harness.envelope("upload", {"items": {n: {"value": i} for i, n in enumerate(names)}}, 5, NOW_S, "/p/d/x")]))
        aggs = "min,min_time,max_time,p5,p50,count"
        for args in (("log",), ("last",), ("last", *names), ("stats", *names, "--agg", aggs),
                     ("stats", "--by", "device", "--every", "1h", "--agg", aggs)):  # fmt: skip
            (row,) = db.query(*args)
            self.assertGreaterEqual(len(row), len(names))


class UsageErrors(WithStore):
    def test_usage_errors_exit_2_and_say_why(self):
        for args in (
            (), ("nothing",), ("stats", "--nothing"), ("stats", "--format", "xml"), ("stats", "--agg", "mean"), ("stats", "--agg", ""),
            ("stats", "--agg", "p101"), ("stats", "--agg", "p-1"), ("stats", "--agg", "p"), ("stats", "--every", "25h"),
            ("stats", "--every", "0s"), ("stats", "--every", "5"), ("stats", "--every", "x"), ("stats", "--every", "-1h"),
            ("stats", "--by", "none"), ("stats", "--by", "x"), ("stats", "--fill", "x"), ("stats", "--every", "1500m"),
            ("online", "--offline-at", "x"), ("online", "--by", "x"), ("online", "--from", "yesterday-ish"), ("online", "--to", "2020-13-01"),
            ("online", "--from", "2020-09-14", "--to", "2020-09-13"), ("log", "--from", "now", "--to", "now-1h"),
            ("log", "--limit", "x"), ("log", "--limit", "-1"), ("log", "--tz", "Mars/Base"), ("log", "--tz", "+25:00"),
            ("devices", "--order-by", ""), ("seen",), ("seen", "x"), ("seen", "-1"), ("seen", str(2**64)), ("seen", "1.0"),
            ("online", "--from", "2020-02-30"), ("online", "--from", "@"), ("devices", "extra-operand"), ("stats", "--db"),
        ):  # fmt: skip
            with self.subTest(args=args):
                result = self.db.run(*args) if args else run("mnsdb")
                self.assertEqual(result.code, 2, result)
                self.assertEqual(result.out, b"")
                self.assertTrue(result.err.strip())

    def test_ingest_usage_errors_exit_2(self):
        mistakes = ((), ("--nothing", "-"), ("--summary", "xml", "-"), ("--summary",),
                    ("--payload-tz", "Mars/Base", "-"), ("--time-field", "a,,b", "-"))
        for args in mistakes:
            with self.subTest(args=args):
                result = run("mnsdb-ingest", "--db", self.db.home / "unmade", *args)
                self.assertEqual(result.code, 2, result)
                self.assertTrue(result.err.strip())

    def test_equal_bounds_are_an_empty_range_and_no_error(self):
        for command in ("online", "log", "stats", "sessions"):
            self.ok(command, "--from", "2020-09-14", "--to", "2020-09-14")


class Stores(unittest.TestCase):
    def test_a_missing_store_is_exit_4_and_is_not_made(self):
        db = Db(self)
        for command in (*LISTING, "info", "verify"):
            result = db.run(command)
            self.assertEqual(result.code, 4, result)
            self.assertEqual(result.out, b"")
            self.assertIn(str(db.path).encode(), result.err)
        self.assertEqual(db.run("seen", "1").code, 4)
        self.assertFalse(db.path.exists())

    def test_what_is_no_store_is_exit_4(self):
        db = Db(self)
        db.path.mkdir()
        self.assertEqual(db.run("info").code, 4)
        (db.path / "data.mdb").write_bytes(b"no store at all" * 1000)
        for command in ("info", "stats", "verify"):
            self.assertIn(db.run(command).code, (1, 4) if command == "verify" else (4,))
        file = db.file(b"a file")
        self.assertEqual(run("mnsdb", "info", "--db", file).code, 4)

    def test_an_empty_store_answers(self):
        db = Db(self)
        db.ingest(b"")
        for command in ("online", "sessions", "last", "log", "devices", "metrics", "rejects", "verify"):
            self.assertEqual(db.query(command), [], command)
        db.check_stats()
        db.check_stats(by="device")
        db.check_stats(every="1h", fill="zero")
        db.check_info()
        self.assertEqual(db.query("online", "--from", "2020-01-01", "--to", "2020-01-02"), [])
        self.assertEqual(db.query("seen", "5", want_code=1), [{"messageid": "5", "seen": False}])
        for form in ("table", "csv", "tsv", "md", "ndjson"):
            for command in ("online", "stats", "info", "log"):
                self.assertEqual(db.run(command, "--format", form).code, 0)

    def test_the_store_is_for_its_owner_only(self):
        db = Db(self)
        db.ingest(b"")
        self.assertEqual(stat.S_IMODE(db.path.stat().st_mode), 0o700)
        for file in db.path.iterdir():
            self.assertEqual(stat.S_IMODE(file.stat().st_mode) & 0o077, 0, file)

    def test_a_second_writer_fails_at_once_and_readers_go_on(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", {"v": 1}, 1, NOW_S)]))
        command = [str(bin_dir() / "mnsdb-ingest"), "--db", str(db.path), "--summary", "json", "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as first:
            first.stdin.write(reading("p/d", {"v": 2}, 2, NOW_S))
            first.stdin.flush()
            wait_for_open(first.pid, db.path / "writer.lock")
            second = run("mnsdb-ingest", "--db", db.path, db.file(b"\n"))
            self.assertEqual(second.code, 4, second)
            self.assertTrue(second.err.strip())
            self.assertGreaterEqual(int(db.query("info")["stored"]), 1)
            out, _ = first.communicate(b"\n")
            self.assertEqual((first.returncode, parse_json(out)["stored"]), (0, "1"))
        self.assertEqual(db.query("info")["stored"], "2")

    def test_fixed_settings_cannot_change_later(self):
        db = Db(self)
        body = lines([reading("p/d", {"v": 1, "time": "2020-09-13 12:26:40"}, 1, NOW_S)])
        one = db.file(body)

        def ingest(*args):
            return run("mnsdb-ingest", "--db", db.path, "--summary", "json", *args, one).code

        self.assertEqual(ingest("--payload-tz", "Europe/Berlin", "--time-field", "time,when"), 0)
        self.assertEqual(ingest("--payload-tz", "Asia/Shanghai"), 3)
        self.assertEqual(ingest("--payload-tz", "+08:00"), 3)
        self.assertEqual(ingest("--time-field", "none"), 3)
        self.assertEqual(ingest("--time-field", "when"), 3)
        self.assertEqual(ingest("--payload-tz", "Europe/Berlin"), 0)
        self.assertEqual(ingest("--time-field", "time,when"), 0)
        self.assertEqual(ingest(), 0)
        self.assertEqual(db.query("log")[0]["time"], "2020-09-13T10:26:40.000Z")

    def test_payload_zone_and_time_fields_change_what_is_stored(self):
        bodies = lines([
            reading("p/d", {"v": 1, "time": "2020-03-29 02:30:00", "when": "2020-09-13 02:00:00"}, 1, NOW_S),
            reading("p/d", {"v": 2, "time": 5, "when": {"x": 5}, "ts": 7}, 2, NOW_S),
            reading("p/d", {"v": 3, "time": "2020-09-13 02:00:00"}, 3, NOW_S),
            status("p/d", "online", 4, NOW_S, time="2019-10-27 02:30:00", lastTime="2019-10-27 02:29:59"),
        ])  # fmt: skip
        for options in (
            harness.Options("Europe/Berlin"),
            harness.Options("America/New_York", ("when",)),
            harness.Options("-03:30", ()),
            harness.Options("+08:00", ("when", "ts")),
        ):
            with self.subTest(options=options):
                db = Db(self, options)
                db.ingest(bodies)
                db.check_log()
                db.check_small()
                db.check_online()

    def test_settle_changes_no_answer(self):
        db = Db(self)
        for part in range(12):
            db.ingest(lines(reading(f"p/d{i % 5}", {"v": i}, part * 1000 + i, NOW_S + part) for i in range(200)))
        before = [db.query(c) for c in ("log", "devices", "metrics")]
        result = run("mnsdb-ingest", "--db", db.path, "--settle")
        self.assertEqual(result.code, 0, result)
        self.assertEqual([db.query(c) for c in ("log", "devices", "metrics")], before)
        db.check_info()
        db.check_verify()

    def test_retrying_rejects_without_a_new_rule_changes_nothing(self):
        db = Db(self)
        db.ingest(lines([b"x!", reading("p/d", {"v": "x"}, 1, NOW_S), reading("p/d", {"v": 1}, 2, NOW_S)]))
        result = run("mnsdb-ingest", "--db", db.path, "--retry-rejects")
        self.assertEqual(result.code, 0, result)
        db.check_rejects()
        self.assertEqual(db.query("info")["rejected"], "2")
        db.check_verify()


class Pipes(WithStore):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        more = (reading(f"p9/d{i % 100}", {"temperature": i, "time": NOW_MS + i}, 10**6 + i, NOW_S) for i in range(50000))
        cls.db.ingest(lines(more))

    def test_a_closed_pipe_is_no_error(self):
        for form in ("json", "csv", "tsv", "table"):
            for command in ("log", "devices"):
                args = [str(bin_dir() / "mnsdb"), command, "--db", str(self.db.path), "--format", form]
                with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as child:
                    child.stdout.read(10)
                    child.stdout.close()
                    err = child.stderr.read()
                    code = child.wait(60)
                self.assertEqual((code, err), (0, b""), (command, form))

    def test_a_failed_write_to_stdout_is_an_error(self):
        for command in ("log", "devices", "info"):
            for form in ("json", "tsv", "table"):
                args = [str(bin_dir() / "mnsdb"), command, "--db", str(self.db.path), "--format", form]
                with open("/dev/full", "wb") as full:
                    done = subprocess.run(args, stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60)
                self.assertGreater(done.returncode, 0, (command, form))
                self.assertIn(b"No space left on device", done.stderr, (command, form))
        with open("/dev/full", "wb") as full:
            args = [str(bin_dir() / "mnsdb-ingest"), "--db", str(self.db.path), "--summary", "json", "-"]
            done = subprocess.run(args, input=b"", stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60)
        self.assertGreater(done.returncode, 0)


if __name__ == "__main__":
    harness.main()
