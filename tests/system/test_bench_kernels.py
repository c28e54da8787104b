"""mnsdb-bench kernels and quick: small sizes, every figure there, nothing left behind.

ctest: slow release-only timeout=300
"""
import json
import os
import tempfile
import unittest
from pathlib import Path

import harness

MESSAGES = 3000


class BenchTest(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.work = self.place / "work"
        self.work.mkdir()
        self.env = harness.environment(TMPDIR=str(self.work))

    def bench(self, *args, want_code=0):
        result = harness.run("mnsdb-bench", *args, env=self.env)
        self.assertEqual(result.code, want_code, result)
        self.assertEqual(os.listdir(self.work), [])
        return result


class KernelsTest(BenchTest):
    def test_every_kernel_that_is_listed_is_measured(self):
        names = self.bench("kernels", "--list").out.decode().split()
        self.assertGreater(len(names), 40)
        report = json.loads(self.bench("kernels", "--no-marks", "-m", MESSAGES, "-r", 1, "-q",
                                       "--format", "json").out)
        self.assertEqual(report["kind"], "kernels")
        self.assertEqual([kernel["name"] for kernel in report["kernels"]], names)
        for kernel in report["kernels"]:
            self.assertGreater(kernel["ns_per_value"], 0, kernel)
            self.assertGreaterEqual(kernel["median_ns_per_value"], kernel["ns_per_value"], kernel)
            self.assertGreater(kernel["bytes_per_cycle"], 0, kernel)
        self.assertNotIn("budget", report)

    def test_marks_and_stages_stand_in_file_and_table(self):
        path = self.place / "kernels.json"
        result = self.bench("kernels", "-m", MESSAGES, "-r", 1, "-q", "--json", path)
        report = json.loads(path.read_text())
        for mark in ("core_hz", "calibration_ns", "page_cache_pread", "sync_median_ns", "synced_write"):
            self.assertGreater(report["marks"][mark], 0, mark)
        self.assertGreaterEqual(report["machine"]["cpus"], 1)
        stages = {stage["stage"]: stage for stage in report["budget"]}
        for name in ("read", "decode", "encode", "write", "commit", "ingest"):
            self.assertGreater(stages[name]["cpu_ns_per_message"], 0, name)
        self.assertAlmostEqual(stages["read"]["limit_ns_per_message"],
                               report["budget_line_bytes"] * 1e9 / report["marks"]["page_cache_pread"])
        for name in stages:
            self.assertIn(name, result.out.decode())

    def test_an_unknown_kernel_is_a_mistake(self):
        result = self.bench("kernels", "--kernel", "nothing", want_code=2)
        self.assertIn(b"'nothing'", result.err)
        self.bench("kernels", "-r", 0, want_code=2)
        self.bench("kernels", "--json", self.place / "no" / "where", "-m", MESSAGES, want_code=1)


class QuickTest(BenchTest):
    def quick(self, *args, want_code=0):
        return self.bench("quick", "-m", MESSAGES, "-r", 1, "-q", *args, want_code=want_code)

    def test_a_run_is_the_baseline_of_the_next(self):
        path = self.place / "baseline.json"
        self.quick("--write-baseline", path)
        baseline = json.loads(path.read_text())
        self.assertEqual((baseline["kind"], baseline["messages"]), ("quick", MESSAGES))
        report = json.loads(self.quick("--baseline", path, "--format", "json").out)
        self.assertEqual([figure["name"] for figure in report["figures"]],
                         [figure["name"] for figure in baseline["figures"]])
        for figure in report["figures"]:
            self.assertGreater(figure["value"], 0, figure)
            self.assertGreater(figure["ratio"], 0, figure)
            self.assertNotEqual(figure["verdict"], "new", figure)
        names = {figure["name"] for figure in report["figures"]}
        self.assertLessEqual({"ingest, a message", "Q1", "Q8", "decode", "compacted, a message"}, names)

    def change(self, path, unit, factor):
        tree = json.loads(path.read_text())
        for figure in tree["figures"]:
            if figure["unit"] == unit:
                figure["relative"] *= factor
        path.write_text(json.dumps(tree))

    def test_only_fail_above_makes_a_slower_run_fail(self):
        path = self.place / "baseline.json"
        self.quick("--write-baseline", path)
        self.change(path, "ns", 1e-6)
        table = self.quick("--baseline", path).out.decode()
        self.assertIn("slower", table)
        self.quick("--baseline", path, "--fail-above", 1000, want_code=1)
        self.change(path, "ns", 1e12)
        self.change(path, "bytes", 10)
        table = self.quick("--baseline", path, "--fail-above", 1).out.decode()
        self.assertIn("faster", table)
        self.assertIn("smaller", table)

    def test_what_is_no_baseline_is_refused_before_the_work(self):
        path = self.place / "other.json"
        path.write_text("{}")
        self.assertIn(b"no baseline", self.quick("--baseline", path, want_code=2).err)
        self.quick("--baseline", self.place / "missing", want_code=2)
        self.quick("--fail-above", 2, want_code=2)
        self.quick("--baseline", path, "--fail-above", "much", want_code=2)
        units = {"core": 1, "system": 1, "both": 1}
        path.write_text(json.dumps({"kind": "quick", "messages": 5, "calibration_ns": units, "figures": []}))
        self.assertIn(b"--messages 5", self.quick("--baseline", path, want_code=2).err)


if __name__ == "__main__":
    harness.main()
