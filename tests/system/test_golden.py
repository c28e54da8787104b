#!/usr/bin/env python3
"""What commands print, byte by byte, in pipes and on terminals, against tests/golden/cases.

scripts/golden --update writes what is printed now into the case files.
"""
import difflib
import sys
import unittest

import harness

sys.path.insert(0, str(harness.TESTS / "golden"))
import golden  # noqa: E402


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runner = golden.Runner(harness.bin_dir())
        cls.addClassCleanup(cls.runner.close)

    def check_file(self, path):
        case_file = golden.CaseFile(path)
        self.assertTrue(case_file.cases, "a file without a command")
        for case in case_file.cases:
            for how in case.runs:
                with self.subTest(line=how.line, command=case.command, run=how.words):
                    got = self.runner.run(case_file, case, how)
                    if got != how.expected:
                        diff = difflib.unified_diff(how.expected, got, "expected", "printed", lineterm="", n=2)
                        self.fail("\n" + "\n".join(diff))


def add_tests():
    for path in sorted(golden.CASES.glob("*.case")):
        name = "test_" + path.stem.replace("-", "_") + "_prints_what_it_printed"
        setattr(Golden, name, lambda self, path=path: self.check_file(path))


add_tests()


class CaseFiles(unittest.TestCase):
    def test_a_case_file_without_changes_is_rewritten_as_it_was(self):
        for path in golden.CASES.glob("*.case"):
            with self.subTest(path=path.name):
                self.assertEqual(golden.CaseFile(path).rewritten(), path.read_text(encoding="utf-8"))

    def test_bytes_and_line_ends_that_nobody_sees_are_shown(self):
        self.assertEqual(golden.as_lines("|", b"a \n\nb\x1b[0m\xff"), ["| a\\x20", "|", "| b\\e[0m\\xff\\"])


if __name__ == "__main__":
    unittest.main()
