#!/usr/bin/env python3
# ctest: release-only
"""The README, the tutorial and the cookbook print what they say: every command in them is run.

scripts/documents --update writes what is printed now into them.
"""
import difflib
import re
import sys
import unittest

import harness

sys.path.insert(0, str(harness.TESTS / "golden"))
import documents  # noqa: E402


class Documents(unittest.TestCase):
    def check(self, name):
        (document,) = documents.documents([name])
        self.assertTrue(document.steps)
        for step, got in document.run(harness.bin_dir()):
            with self.subTest(line=step.line, command=step.command):
                if not step.matches(got):
                    diff = difflib.unified_diff(step.expected, got, "document", "printed", lineterm="", n=2)
                    self.fail("\n" + "\n".join(diff))

    def test_the_first_look_prints_what_it_says(self):
        self.check("README")

    def test_the_tutorial_prints_what_it_says(self):
        self.check("tutorial")

    def test_the_cookbook_prints_what_it_says(self):
        self.check("cookbook")

    def test_the_cookbook_answers_twenty_questions(self):
        text = (harness.REPO / "docs/cookbook.md").read_text()
        self.assertGreaterEqual(len(re.findall(r"(?m)^## .*\?$", text)), 20)

    def test_links_lead_somewhere(self):
        for path in [harness.REPO / "README.md", *sorted((harness.REPO / "docs").glob("*.md"))]:
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
                if "://" not in target:
                    with self.subTest(document=path.name, target=target):
                        self.assertTrue((path.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
