"""mnsdb-bench side by side with a peer: the report, its charts, and what makes it exit with 1.

The peer is mnsdb once more, behind a driver: so every answer of another process is held against
the one in process, and must be the same.

ctest: slow
"""
import json
import os
import shutil
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import harness

DRIVER = r'''#!/usr/bin/env python3
import csv, datetime, io, json, os, subprocess, sys, time
BIN, FORM = os.environ["MNSDB_BIN"], sys.argv[1]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
store = None

def ms(text):
    if not text:
        return None
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH
    return when // datetime.timedelta(milliseconds=1)

def instant(number):
    when = EPOCH + datetime.timedelta(milliseconds=number)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (number % 1000)

def call(program, *words):
    return subprocess.run([os.path.join(BIN, program), "--db", store, "--quiet", *words],
                          check=True, stdout=subprocess.PIPE).stdout.decode()

def ask(q):
    metric, device = q["metric"], q["device"]
    stats = ["stats", "--agg", "avg,min,max", metric]
    words, columns = {
        "Q1": (stats, ["*avg", "*min", "*max"]),
        "Q2": (stats + ["--by", "device"], ["device", "*avg", "*min", "*max"]),
        "Q3": (stats + ["--every", "1h", "--device", device], ["time", "*avg", "*min", "*max"]),
        "Q4": (stats + ["--every", "1h"], ["time", "*avg", "*min", "*max"]),
        "Q5": (["last", metric, "--device", device], [metric + "_time", metric]),
        "Q6": (["stats", "--agg", "p95", metric], ["*p95"]),
        "Q7": (["online"], ["device", "online_ms", "offline_ms", "sessions"]),
        "Q8": (["log", "--device", device, "--from", instant(q["from_ms"]),
                "--to", instant(q["until_ms"])], ["time", "messageid", "humidity", "temperature"]),
    }[q["name"]]
    text = call("mnsdb", "--format", "csv", "--tz", "UTC", *words)
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        cells = []
        for column in columns:
            cell = row[column.replace("*", metric + "_")]
            if column.endswith("time"):
                cell = ms(cell)
            elif cell == "":
                cell = None
            elif column not in ("device", "messageid"):
                cell = float(cell) if "." in cell or "e" in cell else int(cell)
            cells.append(cell)
        rows.append(cells)
    rows.reverse()  # the order says nothing
    return rows

def reply(q):
    global store
    if q["do"] == "describe":
        return {"name": "Twin", "form": FORM, "version": "<1>", "available": True, "ids": True,
                "durability": "as mnsdb", "input": "recorded set"}
    if q["do"] == "load":
        store = os.path.join(q["dir"], "store")
        subprocess.run(["rm", "-rf", store], check=True)
        begin = time.monotonic()
        call("mnsdb-ingest", q["set"])
        took = time.monotonic() - begin
        with open(q["set"], "rb") as lines:
            count = sum(1 for _ in lines)
        return {"seconds": took, "messages": count, "bytes": os.path.getsize(store + "/data.mdb")}
    if q["do"] == "compact":
        call("mnsdb-ingest", "--settle")
        return {"seconds": 0.5, "bytes": os.path.getsize(store + "/data.mdb")}
    if q["do"] == "query":
        begin = time.monotonic()
        rows = ask(q)
        if FORM == "liar" and q["name"] == "Q8":
            rows[0][1] = str(int(rows[0][1]) + 1)
        took = {"ms": (time.monotonic() - begin) * 1000, "rows": len(rows)}
        return {**took, "answer": rows} if q["answer"] else took
    return {}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = reply(request)
    except Exception as problem:
        answer = {"error": "%s: %s" % (request["do"], problem)}
    print(json.dumps(answer), flush=True)
    if request["do"] == "quit":
        break
'''


class SideBySide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp(prefix="mnsdb-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        cls.set = cls.home / "small.ndjson"
        harness.run("mnsdb-fleet", "-m", "4000", "--devices", "30", "--duplicates", "0.02", "-o", cls.set)
        cls.driver = cls.home / "twin"
        cls.driver.write_text(DRIVER)
        cls.driver.chmod(0o755)

    def bench(self, *args):
        tmp = self.home / "tmp"
        tmp.mkdir(exist_ok=True)
        env = harness.environment(TMPDIR=str(tmp), MNSDB_BIN=str(harness.bin_dir()),
                                  PATH=os.environ["PATH"])
        done = harness.run("mnsdb-bench", *args, env=env)
        self.assertEqual(list(tmp.iterdir()), [], "something was left behind")
        return done

    def test_a_peer_that_agrees_stands_in_the_report(self):
        report = self.home / "reports" / "agreed"
        done = self.bench("--peer", f"{self.driver} honest", "--rounds", "2", "--runs", "2",
                          "--report", report, self.set)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.out.decode().strip(), str(report / "report.md"))
        figures = json.loads((report / "small.json").read_text())
        self.assertEqual(figures["kind"], "set")
        self.assertEqual(figures["messages"], 4000)
        twin = figures["systems"][1]
        self.assertEqual(twin["failure"], "")
        self.assertEqual(len(twin["load_seconds"]), 2)
        for name in ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8"):
            query = twin["queries"][name]
            self.assertEqual((query["answer"], query["remark"]), ("same", ""), name)
            self.assertEqual(len(query["warm_ms"]), 2)
            self.assertEqual(len(query["cold_ms"]), 2)
            self.assertGreater(query["rows"], 0, name)
            for way in ("warm_ms", "cold_ms", "fresh_ms", "call_ms", "call_cold_ms"):
                self.assertEqual(len(figures["systems"][0]["queries"][name][way]), 2, (name, way))
        text = (report / "report.md").read_text()
        self.assertIn("## Set small", text)
        self.assertIn("Twin &lt;1&gt;, honest", text)
        self.assertIn("mnsdb against the best peer", text)
        self.assertIn("a whole call beyond its query", text)
        for chart in ("ingest", "bytes", "queries"):
            name = f"small-{chart}.svg"
            self.assertIn(f"({name})", text)
            root = ElementTree.parse(report / name).getroot()
            words = "".join(root.itertext())
            self.assertIn("Twin, honest", words)
            self.assertIn("prefers-color-scheme: dark", words)

    def test_a_different_answer_is_shown_and_exits_with_1(self):
        report = self.home / "reports" / "lies"
        done = self.bench("-p", f"{self.driver} liar", "--rounds", "1", "--runs", "1", "--name", "L1",
                          "--report", report, self.set)
        self.assertEqual(done.code, 1, done)
        self.assertIn(b"differ from mnsdb's", done.err)
        self.assertIn("**different**", (report / "report.md").read_text())
        again = self.bench("report", report)
        self.assertEqual(again.code, 1, again)
        figures = json.loads((report / "L1.json").read_text())
        self.assertEqual(figures["systems"][1]["queries"]["Q8"]["answer"], "wrong")
        self.assertRegex(figures["systems"][1]["queries"]["Q8"]["remark"], r"^row \d+, field 2: ")
        self.assertEqual(figures["systems"][1]["queries"]["Q7"]["answer"], "same")

    def test_a_slow_query_is_asked_once_and_a_brief_set_is_a_row(self):
        report = self.home / "reports" / "brief"
        done = self.bench("-p", f"{self.driver} honest", "--rounds", "1", "--runs", "2", "--name", "own",
                          "--slow-query", "1ms", "--brief", "--report", report, self.set)
        self.assertEqual(done.code, 0, done)
        figures = json.loads((report / "own.json").read_text())
        for query in figures["systems"][1]["queries"].values():
            self.assertEqual((len(query["warm_ms"]), "cold_ms" in query), (1, False))
        for query in figures["systems"][0]["queries"].values():
            self.assertEqual((len(query["warm_ms"]), len(query["cold_ms"])), (2, 1))
        self.assertIn("\n| own | 4,000 |", (report / "report.md").read_text())
        self.assertEqual([path.name for path in report.glob("*.svg")], [])

    def test_a_peer_that_is_missing_stops_nobody(self):
        done = self.bench("--peer", self.home / "nobody", "--rounds", "1", "--runs", "1", self.set)
        self.assertEqual(done.code, 0, done)
        self.assertIn("not measured: not available", done.out.decode())
        self.assertIn("### Queries, warm", done.out.decode())

    def test_command_lines_without_sense(self):
        for args in (["--rounds", "1"], ["--rounds", "0", self.set], ["--rounds", "1", "-"],
                     ["--rounds", "1", "--db", "x", self.set], ["--slow", "x", self.set],
                     ["--peer", "x", self.set, self.set], ["report"], ["report", "a", "b"]):
            self.assertEqual(self.bench(*args).code, 2, args)

    def test_an_empty_directory_has_no_report(self):
        empty = self.home / "empty"
        empty.mkdir()
        done = self.bench("report", empty)
        self.assertEqual(done.code, 2, done)
        self.assertIn(b"no figures", done.err)
        self.assertNotEqual(self.bench("report", self.home / "nowhere").code, 0)


if __name__ == "__main__":
    unittest.main()
