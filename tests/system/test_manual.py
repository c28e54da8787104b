#!/usr/bin/env python3
"""Manual pages say what the programs take, and every command explains itself."""
import json
import os
import re
import shutil
import subprocess
import unittest

import harness

PROGRAMS = ("mnsdb", "mnsdb-ingest", "mnsdb-sql", "mnsdb-fleet", "mnsdb-bench", "mnsdb-localqueue")
HELP_COLUMNS = 80


def spec_of(program):
    return json.loads(harness.run(program, "__spec").out)


class Manual(unittest.TestCase):
    def test_pages_are_made_of_the_programs_tables(self):
        env = dict(os.environ, MNSDB_BIN=str(harness.bin_dir()))
        done = subprocess.run([harness.REPO / "scripts/manual", "--check"], env=env, capture_output=True, timeout=240)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""), "run scripts/manual")

    @unittest.skipUnless(shutil.which("mandoc"), "SKIPPED: mandoc is not installed")
    def test_pages_are_sound(self):
        pages = sorted((harness.REPO / "man").glob("*.[1-8]"))
        done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", *pages], capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))

    def test_every_option_is_in_its_programs_page(self):
        for program in PROGRAMS:
            page = (harness.REPO / "man" / f"{program}.1").read_text().replace("\\-", "-")
            for command in spec_of(program)["commands"]:
                for group in command["groups"]:
                    for option in group["options"]:
                        with self.subTest(program=program, option=option["name"]):
                            self.assertRegex(page, rf"Fl -{re.escape(option['name'])}( |$|\n)")


class Help(unittest.TestCase):
    def test_every_command_of_mnsdb_has_an_example(self):
        for command in spec_of("mnsdb")["commands"]:
            if not command["external"]:
                with self.subTest(command=command["name"]):
                    self.assertIn("Example", command["description"] or "")

    def test_help_fits_a_terminal_and_is_plain_text(self):
        for program in PROGRAMS:
            for command in spec_of(program)["commands"]:
                if command["external"]:
                    continue
                words = [command["name"]] if command["name"] else []
                with self.subTest(program=program, command=words):
                    result = harness.run(program, *words, "--help")
                    self.assertEqual((result.code, result.err), (0, b""), result)
                    for line in result.out.decode("ascii").splitlines():
                        # An example stays in one line, whatever its length.
                        if not line.startswith(("mnsdb", "  mnsdb")) and " --" not in line[2:]:
                            self.assertLessEqual(len(line), HELP_COLUMNS, line)
            result = harness.run(program, "--help")
            self.assertEqual((result.code, result.err), (0, b""), result)


if __name__ == "__main__":
    unittest.main()
