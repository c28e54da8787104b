#!/usr/bin/env python3
"""`mnsdb report` and --svg: well-formed, escaped, bounded, and the figures of the other commands."""
import datetime
import fcntl
import html.parser
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import harness
from harness import Db, bin_dir, environment, lines, reading, rng_for, snowflake, status

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
HOSTILE = ("p/<script>alert(1)</script>", 'p/"><img src=x onerror=alert(1)>', "p/' onload='x", "p/a&b;&lt;",
           "p/\u202egpj.exe", "p/\x1b[31mred\x07", "p/]]><x>", "q/" + "x" * 200, "q/日本 📈 é", "p/-->", "p/</style>")  # fmt: skip
VOID = {"meta", "link", "wbr", "br"}


class Tree(html.parser.HTMLParser):
    """The page as a browser's parser sees it: tags balanced, tables as rows of cells."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tables, self.tags, self.by_id, self.ids = [], {}, [], {}, []
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag in VOID:
            return
        self.open.append((tag, attrs))
        if tag == "table":
            self.table = self.tables.setdefault(attrs.get("id") or attrs.get("class"), [])
        elif tag == "tr":
            self.table.append([])
        elif tag in ("td", "th"):
            self.table[-1].append({"text": "", "value": None, "scope": attrs.get("scope")})
        elif tag == "data" and self.inside("td", "th"):
            self.table[-1][-1]["value"] = attrs["value"]
        elif tag == "time" and self.inside("td", "th"):
            self.table[-1][-1].setdefault("time", attrs["datetime"])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            raise AssertionError(f"</{tag}> closes {self.open[-3:]}")
        self.open.pop()

    def handle_data(self, data):
        if self.inside("td", "th"):
            self.table[-1][-1]["text"] += data
        for _, attrs in self.open:
            if "id" in attrs:
                self.by_id[attrs["id"]] = self.by_id.get(attrs["id"], "") + data

    def inside(self, *tags):
        return any(tag in tags for tag, _ in self.open)

    def rows(self, *tables):
        return [row for table in tables for row in self.tables.get(table, []) if row[0]["scope"] != "col"]


def some_store(test, devices=30, seed="report"):
    """Devices of three products, with sessions, gaps, a humidity that cannot be, and rejects."""
    rng = rng_for(seed)
    db = Db(test)
    bodies, number = [], 0
    for i in range(devices):
        device = f"p{i % 3}/device-{i:03d}"
        ms = NOW_MS - 3 * 86400000 + rng.randrange(3600000)
        online = True
        while ms < NOW_MS:
            number += 1
            bodies.append(status(device, "online" if online else "offline", number, NOW_S, time=ms))
            ms += rng.randrange(60000, 8 * 3600000 if online else 3600000 * (1 + i % 5))
            online = not online
        for j in range(40):
            number += 1
            values = {"temperature": round(rng.uniform(-5, 35), 2), "humidity": rng.randrange(20, 99),
                      "time": NOW_MS - rng.randrange(3 * 86400000)}  # fmt: skip
            if rng.random() < 0.1:
                del values["humidity"]
            bodies.append(reading(device, values, number, NOW_S))
    bodies.append(reading("p0/device-000", {"humidity": 116, "time": NOW_MS - 7200000}, number + 1, NOW_S))
    bodies += [b"rubbish", b'{"messageid": 5}', b"[]", b"more rubbish"]
    db.ingest(lines(bodies), oracle=False)
    return db


def store_of_readings(test, states=(), devices=24, seed="readings"):
    """Devices that send now and then, with pauses; only `states` of them tell a state."""
    rng = rng_for(seed)
    db = Db(test)
    bodies, number = [], 0
    for i in range(devices):
        device = f"p{i % 2}/device-{i:03d}"
        ms = NOW_MS - 3 * 86400000 + rng.randrange(36000000)
        for _ in range(rng.choice((1, 2, 5, 60, 60, 120))):
            number += 1
            bodies.append(reading(device, {"speed": number, "time": ms}, number, NOW_S))
            ms += rng.choice((500, 600000, 600000, 601000, 602000, 1800000, 1801000, 1803000, 20000000))
        if i in states:
            for j, state in enumerate(("online", "offline", "online")):
                number += 1
                at = NOW_MS - 3 * 86400000 + (j + 1) * (i + 1) * 1000000
                bodies.append(status(device, state, number, NOW_S, time=at))
    db.ingest(lines(bodies), oracle=False)
    return db


def share_text(share):
    """As the page rounds it."""
    percent = 100 * share
    if share == 1:
        return "100 %"
    if percent >= 99.995:
        return "> 99.99 %"
    return "< 0.01 %" if 0 < percent < 0.005 else f"{percent:.2f} %"


def page_of(db, *args):
    result = db.run("report", "--html", "-", *args)
    if result.code != 0:
        raise AssertionError(repr(result))
    text = result.out.decode("utf-8")
    ElementTree.fromstring(text.replace("<!DOCTYPE html>", "", 1))  # well-formed as XML too
    return Tree(text), text


class Figures(unittest.TestCase):
    """What stands in the page is what the commands answer."""

    @classmethod
    def setUpClass(cls):
        cls.db = some_store(cls)

    def check_ranking(self, tree, *args):
        online = self.db.query("online", *args)
        want = {row["device"]: row for row in online if row["availability"] is not None}
        rows = tree.rows("ranking", "ranking-more")
        self.assertEqual(len(rows), len(want))
        before = 0.0
        for rank, row in enumerate(rows, 1):
            answer = want.pop(row[1]["text"])
            self.assertEqual(row[0]["text"], str(rank))
            self.assertEqual(row[2]["value"], answer["availability"])
            for cell, field in ((3, "online_ms"), (4, "offline_ms"), (5, "unknown_ms"), (6, "sessions")):
                self.assertEqual(row[cell]["value"], answer[field], (row[1]["text"], field))
            self.assertEqual(row[9]["text"], answer["state"])
            if row[2]["value"] is not None:
                self.assertGreaterEqual(float(row[2]["value"]), before)
                before = float(row[2]["value"])
        self.assertFalse(want)
        return rows

    def test_the_ranking_is_that_of_online(self):
        tree, _ = page_of(self.db)
        rows = self.check_ranking(tree)
        self.assertIn(rows[0][1]["text"], tree.by_id["worst-device"])

    def test_rules_bounds_devices_and_zone_apply(self):
        for args in (["--keep-stale"], ["--offline-at", "last-contact"], ["--product", "p1"],
                     ["--from", "2020-09-11", "--to", "2020-09-12 12:00", "--tz", "Europe/Berlin"],
                     ["--device", "*-00?", "--tz", "+05:30"]):  # fmt: skip
            with self.subTest(args):
                tree, _ = page_of(self.db, *args)
                self.check_ranking(tree, *args)

    def test_the_worst_device_and_its_longest_outage_come_first(self):
        tree, text = page_of(self.db)
        worst = self.db.query("online", "--order-by", "availability", "--limit", "1")[0]
        self.assertIn(worst["device"], tree.by_id["worst-device"])
        sessions = self.db.query("sessions", "--device", worst["device"], "--order-by", "start")
        online = self.db.query("online", "--device", worst["device"])[0]
        end = self.db.query("info")["last_time"]
        times = [parse_ms(time) for row in sessions for time in (row["start"], row["end"] or end)]
        gaps = [(b - a, a) for a, b in zip(times[1::2], times[2::2] + [parse_ms(end)])]
        longest, begin = max(gaps, key=lambda gap: (gap[0], -gap[1]))
        row = tree.rows("ranking")[0]
        self.assertEqual(int(row[7]["value"]), longest)
        self.assertEqual(parse_ms(row[8]["time"]), begin)
        self.assertIn(f'<data value="{longest}">', text[text.index('id="longest-outage"') :][:400])
        self.assertEqual(int(online["offline_ms"]), sum(gap for gap, _ in gaps))

    def test_metrics_are_those_of_stats(self):
        for args in ([], ["--from", "2020-09-12", "--tz", "America/New_York"], ["--device", "*-01?"]):
            tree, _ = page_of(self.db, *args)
            rows = tree.rows("metrics")
            want = self.db.query("stats", *args, "--agg", "count,min,avg,median,p95,max,min_time,max_time")[0]
            self.assertEqual([row[0]["text"] for row in rows], ["temperature", "humidity"])
            for row in rows:
                name = row[0]["text"]
                for cell, agg in enumerate(("count", "min", "avg", "median", "p95", "max"), 1):
                    self.assertEqual(row[cell]["value"], want[f"{name}_{agg}"], (name, agg))
                self.assertEqual(row[7]["time"], want[f"{name}_min_time"])
                self.assertEqual(row[8]["time"], want[f"{name}_max_time"])

    def test_the_most_humid_hour_leaves_out_what_cannot_be(self):
        for zone in ("UTC", "Asia/Kolkata"):
            tree, text = page_of(self.db, "--tz", zone)
            hours = self.db.query("stats", "humidity", "--every", "1h", "--tz", zone, "--agg", "avg,max,count")
            impossible = [hour for hour in hours if float(hour["humidity_max"]) > 100]
            self.assertEqual(len(impossible), 1)
            best = max((hour for hour in hours if hour not in impossible), key=lambda h: float(h["humidity_avg"]))
            card = text[text.index('id="hour-1"') :].split("</li>")[0]
            self.assertIn("Most humid hour", card)
            self.assertIn(f'datetime="{best["time"]}"', card)
            self.assertIn(f'<data value="{best["humidity_avg"]}">', card)
            self.assertIn(f'<data value="{best["humidity_count"]}">', card)
            self.assertIn("1 hour with impossible values is set aside", tree.by_id["hour-1"])
            self.assertIn(f'datetime="{impossible[0]["time"]}"', card)

    def test_rejects_are_counted_by_reason(self):
        tree, _ = page_of(self.db)
        want = {}
        for row in self.db.query("rejects"):
            want[row["reason"]] = want.get(row["reason"], 0) + 1
        got = {row[0]["text"]: int(row[1]["value"]) for row in tree.rows("reasons")}
        self.assertEqual(got, want)
        tree, _ = page_of(self.db, "--to", "2001-01-01")
        self.assertEqual(tree.rows("reasons"), [])

    def test_findings_and_coverage_are_those_of_check_and_gaps(self):
        tree, _ = page_of(self.db)
        result = self.db.run("check", "--format", "json")
        findings = harness.parse_json(result.out)
        got = sorted((row[0]["text"], row[1]["text"], row[2]["text"]) for row in tree.rows("findings"))
        want = sorted((f["severity"], f["device"] or "the store", f["metric"] or "") for f in findings)
        self.assertEqual(got, want)
        coverage = {row["device"]: row for row in self.db.query("gaps")}
        rows = tree.rows("coverage", "coverage-more")
        self.assertEqual(len(rows), len(coverage))
        for row in rows:
            answer = coverage[row[0]["text"]]
            self.assertEqual(row[1]["value"], answer["coverage"])
            self.assertEqual(row[4]["value"], answer["gaps"])
            self.assertEqual(row[5]["value"], answer["largest_ms"])

    def test_every_device_has_a_lane(self):
        tree, text = page_of(self.db)
        self.assertEqual(text.count('<svg class="ln"'), 30)
        self.assertEqual(len(set(tree.ids)), len(tree.ids), "ids are unique")


class WithoutStates(unittest.TestCase):
    """Where no status event tells, the page is that of `gaps`."""

    RANGES = ([], ["--from", "2020-09-11"], ["--from", "2020-09-11 20:00", "--to", "2020-09-12", "--tz", "Asia/Tokyo"],
              ["--to", "2020-09-12", "--product", "p1"], ["--device", "*-00?"])  # fmt: skip

    @classmethod
    def setUpClass(cls):
        cls.db = store_of_readings(cls)
        cls.mixed = store_of_readings(cls, states=range(0, 24, 3))

    def check_coverage(self, rows, want):
        """Rows of a table of coverage are these devices' answers, in their order."""
        self.assertEqual([row[0]["text"] for row in rows], [answer["device"] for answer in want])
        for row, answer in zip(rows, want):
            fields = ("coverage", "readings", "usual_ms", "gaps", "largest_ms")
            for cell, field in enumerate(fields, 1):
                self.assertEqual(row[cell]["value"], answer[field], (answer["device"], field))
            self.assertEqual(row[6].get("time"), answer["largest_start"])
            self.assertEqual(row[7].get("time"), answer["largest_end"])

    def check_lanes(self, text, want):
        """What a lane adds up to is the device's coverage."""
        lanes = re.findall(r'<span class="n"><bdi>([^<]*)</bdi></span>.*?<span class="v">([^<]*)</span>', text)
        shown = {name: share for name, share in lanes}
        for answer in want:
            name = answer["device"].partition("/")[2]
            text = share_text(float(answer["coverage"])).replace(">", "&gt;").replace("<", "&lt;")
            self.assertEqual(shown[name], text)

    def covered(self, db, *args):
        rows = db.query("gaps", "--order-by", "coverage", *args)
        return [row for row in rows if row["coverage"] is not None]

    def test_the_ranking_and_the_lanes_are_the_coverage_of_gaps(self):
        for args in self.RANGES:
            with self.subTest(args):
                tree, text = page_of(self.db, *args)
                want = self.covered(self.db, *args)
                self.check_coverage(tree.rows("coverage", "coverage-more"), want)
                self.check_lanes(text, want)
                self.assertEqual(tree.rows("ranking"), [])
                self.assertNotIn('id="gaps"', text)
                self.assertIn("Coverage of readings, worst first", tree.by_id["availability"])

    def test_the_cards_tell_the_worst_device_and_its_longest_silence(self):
        for args in self.RANGES:
            with self.subTest(args):
                _, text = page_of(self.db, *args)
                want = self.covered(self.db, *args)
                cards = dict(re.findall(r'<li class="card" id="([^"]*)">(.*?)</li>', text, re.S))
                worst = want[0]
                self.assertIn(worst["device"].partition("/")[2], cards["worst-device"])
                self.assertIn(f'<data value="{worst["coverage"]}">', cards["worst-device"])
                self.assertIn("no status event says", cards["worst-device"])
                silence = cards["longest-silence"]
                self.assertIn(f'<data value="{worst["largest_ms"]}">', silence)
                self.assertIn(f'datetime="{worst["largest_start"]}"', silence)
                self.assertIn(f'datetime="{worst["largest_end"]}"', silence)
                longest = max(int(row["largest_ms"] or 0) for row in want)
                self.assertEqual("longest-of-all" in cards, longest > int(worst["largest_ms"]))
                if "longest-of-all" in cards:
                    self.assertIn(f'<data value="{longest}">', cards["longest-of-all"])
                most = max(int(row["gaps"]) for row in want)
                self.assertIn(f'<data value="{most}">', cards["most-gaps"])

    def test_devices_without_a_state_come_last_by_coverage(self):
        for args in self.RANGES:
            with self.subTest(args):
                tree, text = page_of(self.mixed, *args)
                online = {row["device"]: row for row in self.mixed.query("online", *args)}
                known = {name for name, row in online.items() if row["availability"] is not None}
                ranked = [row[1]["text"] for row in tree.rows("ranking", "ranking-more")]
                self.assertEqual(set(ranked), known)
                want = [row for row in self.covered(self.mixed, *args) if row["device"] not in known]
                self.check_coverage(tree.rows("ranking-readings", "ranking-readings-more"), want)
                self.check_lanes(text, want)
                self.check_coverage(tree.rows("coverage", "coverage-more"), self.covered(self.mixed, *args))
                if want:
                    worst = tree.by_id["worst-by-readings"]
                    self.assertIn(want[0]["device"], worst)
                    self.assertIn("no status event says", worst)
                    self.assertIn("Devices without a known state", tree.by_id["availability"])

    def test_a_device_with_neither_is_counted(self):
        db = Db(self)
        bodies = [reading("p/a", {"x": 1, "time": NOW_MS + i * 60000}, i + 1, NOW_S) for i in range(5)]
        bodies.append(reading("p/b", {"x": 1, "time": NOW_MS}, 9, NOW_S))
        db.ingest(lines(bodies), oracle=False)
        tree, _ = page_of(db)
        self.assertEqual([row[0]["text"] for row in tree.rows("coverage")], ["p/a"])
        self.assertIn("1 device with neither", tree.by_id["availability"])


def parse_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Page(unittest.TestCase):
    def test_names_from_outside_are_shown_and_not_obeyed(self):
        db = Db(self)
        bodies = []
        for i, device in enumerate(HOSTILE):
            bodies.append(status(device, "online", 10 * i + 1, NOW_S, time=NOW_MS + i * 1000))
            bodies.append(status(device, "offline", 10 * i + 2, NOW_S, time=NOW_MS + i * 1000 + 60000))
            bodies.append(reading(device, {"<b>m</b>": i, '"q"': 1, "humidity": 50 + i, "time": NOW_MS}, 10 * i + 3, NOW_S))
        db.ingest(lines(bodies), oracle=False)
        tree, text = page_of(db, "--metric", "<b>m</b>", "--metric", '"q"', "--title", "<i>t</i>\x1b")
        allowed = {"html", "head", "meta", "link", "title", "style", "body", "header", "main", "nav", "section", "h1",
                   "h2", "h3", "p", "a", "ul", "li", "div", "span", "data", "time", "bdi", "wbr", "code", "table",
                   "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption", "dl", "dt", "dd",
                   "svg", "desc", "path", "rect", "line", "text", "g"}  # fmt: skip
        self.assertLessEqual({tag for tag, _ in tree.tags}, allowed)
        for _, attrs in tree.tags:
            self.assertFalse([name for name in attrs if name.startswith("on")], attrs)
        self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", text))
        shown = "".join(row[1]["text"] for row in tree.rows("ranking"))
        self.assertIn("<script>alert(1)</script>", shown)
        self.assertIn("日本 📈 é", shown)
        for command in (["online"], ["stats", "<b>m</b>", "--by", "device"], ["stats", '"q"', "--every", "1m"],
                        ["stats", "humidity", "--every", "1m", "--by", "device"], ["sessions"]):  # fmt: skip
            result = db.run(*command, "--svg", "-")
            self.assertEqual(result.code, 0, repr(result))
            root = ElementTree.fromstring(result.out)
            tags = {element.tag.split("}")[1] for element in root.iter()}
            self.assertLessEqual(tags, {"svg", "title", "desc", "style", "rect", "text", "g", "path", "line"})

    def test_the_page_needs_nothing_else(self):
        tree, text = page_of(some_store(self, 4))
        for tag, attrs in tree.tags:
            self.assertNotIn(tag, ("script", "img", "iframe", "object", "embed", "base", "form"))
            for name in ("src", "action", "data", "poster", "srcset"):
                self.assertNotIn(name, attrs)
            if tag in ("a", "link"):
                self.assertTrue(attrs["href"].startswith("#") or attrs["href"] == "data:,", attrs)
        self.assertNotRegex(text, r"(?i)@import|url\(|javascript:")
        places = {attrs["id"] for _, attrs in tree.tags if "id" in attrs}
        for tag, attrs in tree.tags:
            if tag == "a":
                self.assertIn(attrs["href"][1:], places)

    def test_the_page_tells_its_structure(self):
        tree, _ = page_of(some_store(self, 4))
        self.assertIn(("html", {"lang": "en"}), tree.tags)
        levels = [int(tag[1]) for tag, _ in tree.tags if re.fullmatch("h[1-6]", tag)]
        self.assertEqual(levels.count(1), 1)
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])))
        for name, table in tree.tables.items():
            for row in table:
                heads = [cell for cell in row if cell["scope"]]
                self.assertTrue(heads, (name, row))
        for tag, attrs in tree.tags:
            if tag == "svg":
                self.assertTrue("role" in attrs or attrs.get("aria-hidden") == "true", attrs)
            if "aria-labelledby" in attrs:
                self.assertLessEqual(set(attrs["aria-labelledby"].split()), set(tree.ids))

    def test_stores_with_little_in_them_have_a_page(self):
        db = Db(self)
        db.ingest(b"rubbish\n", oracle=False)
        tree, text = page_of(db)
        self.assertIn("no reading and no status event", text)
        self.assertEqual(len(tree.rows("reasons")), 1)
        db.ingest(reading("p/d", {"speed": 5, "time": NOW_MS}, 1, NOW_S), oracle=False)
        tree, text = page_of(db)
        self.assertEqual([row[0]["text"] for row in tree.rows("metrics")], ["speed"])
        self.assertIn("No status event says", text)
        db.ingest(status("p/d", "online", 2, NOW_S, time=NOW_MS + 1000), oracle=False)
        tree, text = page_of(db)
        page_of(db, "--device", "nothing")
        page_of(db, "--from", "2030-01-01")

    def test_thousands_of_devices_stay_some_megabytes(self):
        db = Db(self)
        bodies = []
        for i in range(2500):
            device = f"p{i % 4}/device-{i:05d}"
            for j in range(4):
                bodies.append(status(device, ("online", "offline")[j % 2], 10 * i + j, NOW_S, time=NOW_MS + j * 600000 + i))
        db.ingest(lines(bodies), oracle=False)
        tree, text = page_of(db)
        self.assertEqual(text.count('<svg class="ln"'), 2500)
        self.assertLess(len(text), 3 << 20)
        self.assertIn("2,200 devices with better figures", tree.by_id["availability"])
        self.assertEqual(len(tree.rows("ranking", "ranking-more")), 300)


class Fleet(unittest.TestCase):
    def test_long_names_keep_their_end_and_a_silence_of_most_is_theirs(self):
        base = 1700000000000
        names = [f"pk/a-name-that-is-longer-than-its-place-{i:02}" for i in range(6)] + ["pk/short"]
        bodies = []
        for i, name in enumerate(names):
            for minute in (*range(0, 120, 2), *range(300, 400, 2)):
                at = base + minute * 60000 + i
                bodies.append(reading(name, {"x": minute, "time": at}, snowflake(at, i), at // 1000))
        db = Db(self)
        db.ingest(lines(bodies), oracle=False)
        text = db.run("report", "--html", "-").out.decode()
        lanes = re.findall(r'<li><span class="(n|n l)"><bdi>([^<]*)</bdi>(?:<bdi>([^<]*)</bdi>)?</span>', text)
        self.assertEqual(sorted(a + b for _, a, b in lanes), sorted(name[3:] for name in names))
        self.assertEqual({b for _, _, b in lanes}, {"", *(f"s-place-{i:02}" for i in range(6))})
        self.assertRegex(text, r'<th scope="row"><data value="7">7</data> devices</th>')
        self.assertIn("7 of 7 devices silent from ", text)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.db = some_store(cls, 6)

    def test_a_file_is_written_whole_and_replaced(self):
        target = self.db.home / "page.html"
        target.write_bytes(b"old")
        result = self.db.run("report", "--html", target)
        self.assertEqual(result.code, 0, repr(result))
        self.assertEqual(result.out, b"")
        self.assertIn(b"wrote", result.err)
        first = target.read_bytes()
        self.assertTrue(first.endswith(b"</html>\n"))
        self.assertEqual(self.db.run("report", "--html", "-").out, first)
        self.assertEqual(sorted(p.name for p in self.db.home.iterdir()), ["page.html", "set.ndjson", "store"])
        svg = self.db.home / "page.svg"
        self.assertEqual(self.db.run("online", "--svg", svg).code, 0)
        self.assertEqual(ElementTree.parse(svg).getroot().get("role"), "img")
        svg.unlink()

    def test_the_size_is_told_of_files_alone(self):
        result = self.db.run("report", "--html", "/dev/null")
        self.assertEqual((result.code, result.out, result.err), (0, b"", b"wrote /dev/null\n"))
        page = self.db.home / "sized.html"
        result = self.db.run("report", "--html", page)
        page.unlink()
        self.assertRegex(result.err, rb"^wrote \S+ \(\d+\.\d kB\)\n$")

    def test_what_cannot_be_written_is_said_and_the_old_file_stays(self):
        for place, code in ((self.db.home / "no/such/folder", 2), (self.db.home, 2)):
            result = self.db.run("report", "--html", place)
            self.assertEqual(result.code, code, repr(result))
            self.assertIn(b"cannot write", result.err)
        result = self.db.run("report", "--html", "/dev/full")
        self.assertNotEqual(result.code, 0, repr(result))
        self.assertIn(b"No space left", result.err)
        target = self.db.home / "kept.html"
        target.write_bytes(b"old")
        limited = subprocess.run(
            ["bash", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$0" "$@"', bin_dir() / "mnsdb", "report", "--db",
             self.db.path, "--html", target], capture_output=True, env=environment())  # fmt: skip
        self.assertNotEqual(limited.returncode, 0)
        self.assertIn(b"cannot write", limited.stderr)
        self.assertEqual(target.read_bytes(), b"old")
        self.assertFalse([p for p in self.db.home.iterdir() if p.name.startswith(".")])
        target.unlink()

    def test_mistakes_on_the_line_are_usage_errors(self):
        for args in (["report"], ["report", "--html", ""], ["report", "--html", "-", "--tz", "Nowhere/Land"],
                     ["report", "--html", "-", "--every", "25h"], ["online", "--svg", "-", "--every", "1d"],
                     ["stats", "--svg", "-"], ["stats", "humidity", "--svg", "-", "--format", "csv"],
                     ["sessions", "--svg", "-", "--plot"]):  # fmt: skip
            result = self.db.run(*args)
            self.assertIn(result.code, (2, 3), repr(result))
            self.assertNotEqual(result.err, b"")
        result = self.db.run("report", "--html", "-", "--metric", "never-seen")
        self.assertEqual(result.code, 0)
        self.assertIn(b"never saw a metric 'never-seen'", result.err)

    def test_a_reader_who_leaves_early_is_no_error(self):
        with subprocess.Popen([bin_dir() / "mnsdb", "report", "--db", self.db.path, "--html", "-"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:  # fmt: skip
            process.stdout.read(10)
            process.stdout.close()
            self.assertEqual(process.wait(60), 0, process.stderr.read())

    def test_output_that_waits_holds_nothing_in_the_store(self):
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
        with subprocess.Popen([bin_dir() / "mnsdb", "report", "--db", self.db.path, "--html", "-"],
                              stdout=write_end, stderr=subprocess.DEVNULL, env=environment()) as process:  # fmt: skip
            os.close(write_end)
            first = os.read(read_end, 1)  # it has begun to write, and goes on when it is read
            self.assertIsNone(process.poll())
            lock = (self.db.path / "lock.mdb").read_bytes()
            pid = process.pid.to_bytes(4, "little")
            # A slot of LMDB's reader table: transaction id, process, thread. All ones, or no slot of
            # this process: it holds no transaction.
            slots = [lock[at - 8 : at] for at in range(8, len(lock) - 8, 8) if lock[at : at + 4] == pid]
            self.assertTrue(all(slot == b"\xff" * 8 for slot in slots), slots)
            rest = b""
            while chunk := os.read(read_end, 65536):
                rest += chunk
            os.close(read_end)
            self.assertEqual(process.wait(60), 0)
        self.assertTrue((first + rest).endswith(b"</html>\n"))


class Pictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.db = some_store(cls, 12)

    def svg(self, *args):
        result = self.db.run(*args, "--svg", "-")
        self.assertEqual(result.code, 0, repr(result))
        return ElementTree.fromstring(result.out)

    def texts(self, root):
        return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]

    def test_lanes_come_in_the_order_asked_for(self):
        args = ["--order-by", "availability", "--limit", "5"]
        texts = self.texts(self.svg("online", *args))
        names = [row["device"] for row in self.db.query("online", *args)]
        self.assertEqual([text for text in texts if text in names], names)

    def test_bars_show_what_stats_answers(self):
        args = ["stats", "humidity", "--by", "device", "--order-by", "humidity_avg:desc"]
        texts = self.texts(self.svg(*args))
        names = [row["device"] for row in self.db.query(*args)]
        self.assertEqual([text for text in texts if text in names], names)

    def test_a_line_a_group_and_one_that_stands_alone_has_a_band(self):
        def classes(*args):
            return [path.get("class") for path in self.svg(*args).iter("{http://www.w3.org/2000/svg}path")]

        self.assertEqual(classes("stats", "humidity", "--every", "6h"), ["bd", "l0"])
        self.assertEqual(classes("stats", "humidity", "--every", "6h", "--by", "product"), ["l0", "l1", "l2"])

    def test_empty_answers_are_pictures_too(self):
        for args in (["online", "--device", "nothing"], ["sessions", "--to", "2001-01-01"],
                     ["stats", "humidity", "--every", "1h", "--from", "2030-01-01"],
                     ["stats", "humidity", "--by", "device", "--device", "nothing"]):  # fmt: skip
            self.svg(*args)


if __name__ == "__main__":
    unittest.main()
