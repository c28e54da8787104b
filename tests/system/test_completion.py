#!/usr/bin/env python3
# ctest: release-only
"""Completion: what the programs offer, and real shells that complete lines with it.

A shell is given hostile names; that it passes them on unharmed is seen from the answer of the line it
runs then.
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

import harness

sys.path.insert(0, str(harness.TESTS / "golden"))
import golden  # noqa: E402
import make_sets  # noqa: E402

SCRIPTS = harness.REPO / "completion"
LIMIT_S = 120
TAB = "\t"
PROGRAMS = ("mnsdb", "mnsdb-ingest", "mnsdb-sql", "mnsdb-fleet", "mnsdb-bench", "mnsdb-localqueue")
VERBS = ("queue", "report", "quick", "kernels", "commits", "ids", "live", "growth")  # of mnsdb-bench


def spec_of(program, *verb):
    return json.loads(harness.run(program, *verb, "__spec").out)


def option_names(spec):
    return {o["name"] for group in [*spec["commands"][0]["groups"], spec["general"]] for o in group["options"]}


def needs(shell):
    return unittest.skipUnless(shutil.which(shell), f"SKIPPED: {shell} is not installed")


class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp(prefix="mnsdb-completion-"))
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        for name in ("home", "hostile"):
            source = golden.SETS / f"{name}.ndjson"
            result = harness.run("mnsdb-ingest", "--quiet", "--db", cls.home / name, source)
            if result.code != 0:
                raise AssertionError(result)
        cls.env = harness.environment(MNSDB_DB=str(cls.home / "home"), HOME=str(cls.home), TERM="dumb")
        cls.env["PATH"] = f"{harness.bin_dir()}:/usr/bin:/bin"

    def offered(self, *words, shell="fish", program="mnsdb"):
        """What is offered for these words, the last being typed; without descriptions."""
        result = harness.run(program, "__complete", shell, *words, env=self.env)
        self.assertEqual((result.code, result.err), (0, b""), result)
        lines = result.out.decode().split("\n")
        self.assertEqual(lines.pop(), "", result)
        if not lines:
            return None, []
        return lines[0], [line.partition("\t")[0] for line in lines[1:]]


class Offers(Stores):
    def test_every_option_of_every_command_is_offered(self):
        for program in PROGRAMS:
            spec = spec_of(program)
            for command in spec["commands"]:
                if command["external"]:
                    continue
                before = [command["name"]] if command["name"] else []
                names = {o["name"] for group in [*command["groups"], spec["general"]] for o in group["options"]}
                with self.subTest(program=program, command=before):
                    _, words = self.offered(program, *before, "--", program=program)
                    self.assertEqual(set(words), {f"--{name}" for name in names})

    def test_every_command_is_offered(self):
        _, words = self.offered("mnsdb", "")
        self.assertEqual(words, [c["name"] for c in spec_of("mnsdb")["commands"]] + ["help"])

    def test_an_option_that_was_given_is_not_offered_again_unless_it_collects(self):
        _, words = self.offered("mnsdb", "stats", "--from", "x", "--device=a", "--")
        self.assertNotIn("--from", words)
        self.assertIn("--device", words)

    def test_the_words_offered_for_a_value_are_taken(self):
        for command, option in (("stats", "format"), ("stats", "agg"), ("stats", "by"), ("stats", "fill"),
                                ("online", "by"), ("online", "offline-at")):  # fmt: skip
            _, words = self.offered("mnsdb", command, f"--{option}", "")
            self.assertTrue(words)
            for word in words:
                with self.subTest(command=command, option=option, word=word):
                    more = ["--every", "1d"] if option == "fill" else []
                    result = harness.run("mnsdb", command, f"--{option}", word, *more, env=self.env)
                    self.assertEqual(result.code, 0, result)

    def test_lists_go_on_behind_the_comma(self):
        said, words = self.offered("mnsdb", "stats", "--agg", "p95,me")
        self.assertEqual((said, words), ("words nospace", ["p95,median"]))

    def test_names_come_from_the_store_on_the_line(self):
        self.assertEqual(self.offered("mnsdb", "stats", "te")[1], ["temperature"])
        self.assertEqual(self.offered("mnsdb", "-d", str(self.home / "hostile"), "stats", "名")[1], ["名 前"])
        self.assertEqual(self.offered("mnsdb", "stats", f"--db={self.home / 'hostile'}", "", "名")[1], ["名 前"])
        self.assertEqual(sorted(self.offered("mnsdb", "log", "--product", "")[1]), ["depot", "home"])
        self.assertEqual(self.offered("mnsdb", "log", "--device", "kit")[1], ["kitchen"])
        self.assertEqual(self.offered("mnsdb", "log", "--device=home/k")[1], ["--device=home/kitchen"])

    def test_without_a_store_nothing_is_offered_and_nothing_said(self):
        self.assertEqual(self.offered("mnsdb", "stats", "-d", "/nowhere", ""), (None, []))
        damaged = self.home / "damaged"
        shutil.copytree(self.home / "home", damaged)
        for path in damaged.iterdir():
            path.write_bytes(os.urandom(4096))
        self.assertEqual(self.offered("mnsdb", "stats", "-d", str(damaged), ""), (None, []))

    def test_what_is_offered_for_a_device_takes_it_and_harms_no_terminal(self):
        _, words = self.offered("mnsdb", "-d", str(self.home / "hostile"), "log", "--device", "")
        self.assertGreaterEqual(len(words), len(make_sets.HOSTILE_DEVICES))
        for word in words:
            with self.subTest(word=word):
                self.assertTrue(all(c.isprintable() for c in word))
                result = harness.run("mnsdb", "-d", self.home / "hostile", "devices", "--device", word,
                                     "--format", "json")  # fmt: skip
                self.assertEqual(len(json.loads(result.out)), 1, result)

    def test_paths_are_left_to_the_shell(self):
        self.assertEqual(self.offered("mnsdb", "stats", "--db", "")[0], "directories")
        self.assertEqual(self.offered("mnsdb-ingest", "", program="mnsdb-ingest")[0], "files")

    def test_other_programs_answer_for_their_commands(self):
        self.assertEqual(self.offered("mnsdb", "ingest", "--retry")[1], ["--retry-rejects"])
        self.assertEqual(self.offered("mnsdb", "sql", "--format", "nd")[1], ["ndjson"])

    def test_verbs_of_the_benchmark_are_offered_for_the_first_word_alone(self):
        for line in (("mnsdb-bench",), ("mnsdb", "bench"), ("/usr/bin/mnsdb-bench",)):
            with self.subTest(line=line):
                self.assertEqual(self.offered(*line, "", program="mnsdb-bench"), ("words", list(VERBS)))
                self.assertEqual(self.offered(*line, "qu", program="mnsdb-bench")[1], ["queue", "quick"])
                for more in (["x.ndjson", "qu"], ["--keep", "qu"], ["--", "qu"], ["set"], ["./qu"]):
                    self.assertEqual(self.offered(*line, *more, program="mnsdb-bench"), ("files", []), more)

    def test_a_verb_of_the_benchmark_offers_its_own_options_and_operands(self):
        for verb in VERBS:
            names = option_names(spec_of("mnsdb-bench", verb))
            for line in (("mnsdb-bench",), ("mnsdb", "bench")):
                with self.subTest(verb=verb, line=line):
                    _, words = self.offered(*line, verb, "--", program=line[0])
                    self.assertEqual(set(words), {f"--{name}" for name in names})
        self.assertEqual(self.offered("mnsdb-bench", "report", "", program="mnsdb-bench")[0], "directories")
        self.assertEqual(self.offered("mnsdb-bench", "live", "", program="mnsdb-bench")[0], "files")
        self.assertEqual(self.offered("mnsdb-bench", "ids", "--format", "", program="mnsdb-bench")[1], ["table", "json"])
        self.assertEqual(self.offered("mnsdb-bench", "queue", "", program="mnsdb-bench"), (None, []))

    def test_descriptions_end_with_a_word(self):
        for program in PROGRAMS:
            helps = {f"--{o['name']}": o["help"] for c in spec_of(program)["commands"] for g in c["groups"]
                     for o in g["options"]}  # fmt: skip
            result = harness.run(program, "__complete", "fish", program, "--", env=self.env)
            for line in result.out.decode().splitlines()[1:]:
                word, _, description = line.partition("\t")
                if word in helps:
                    with self.subTest(program=program, line=line):
                        self.assertRegex(helps[word] + " ", f"^{re.escape(description)}[ .:]")

    def test_lines_that_make_no_sense_offer_nothing(self):
        for words in (["stats", "--nothing=x"], ["stats", "--by", "x"], ["seen", "--", "-"]):
            with self.subTest(words=words):
                self.assertEqual(self.offered("mnsdb", *words)[1], [])
        for arguments in ([], ["bash"], ["fish"], ["bash", ""], ["bash", "mnsdb"], ["fish", "mnsdb"]):
            result = harness.run("mnsdb", "__complete", *arguments)
            self.assertEqual((result.code, result.out, result.err), (0, b"", b""), result)

    def test_quotes_of_bash_are_understood_and_answered_alike(self):
        for line, want in (
            ("mnsdb stats --device ho", ["home/kitchen", "home/浴室"]),
            ("mnsdb stats --device 'home/k", ["home/kitchen"]),
            ("mnsdb stats --device=home/k", ["home/kitchen"]),
            ("echo x; mnsdb st", ["stats"]),
            ("mnsdb st\\a", ["stats"]),
            ("mnsdb 'st'a", []),
        ):
            with self.subTest(line=line):
                self.assertEqual(self.offered(line, "=:", shell="bash")[1], want)


# --- real shells ---------------------------------------------------------------------------------


class Terminal:
    """A shell on a terminal, into which lines are typed."""

    def __init__(self, arguments, env, cwd):
        self.out = b""
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            os.execvpe(arguments[0], arguments, env)
        self.pid = pid
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                self.out += os.read(self.fd, 65536)
            except OSError:
                raise AssertionError(f"the shell ended: {self.out[-2000:]!r}") from None

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self, done):
        deadline = time.monotonic() + LIMIT_S
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing came of it: {self.out[-3000:]!r}")
            self.read(0.05)

    def settle(self):
        """Until the shell says no more for a moment."""
        before = -1
        while len(self.out) != before:
            before = len(self.out)
            self.read(0.2)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


# What is typed of a device's name, in the shell's own quoting; what shows that it was completed; the name.
TYPED = (
    ("p/it", "back", "p/it's \"quoted\" \\ back"),
    ("p/\\$", "pwned", "p/$(touch pwned)`touch pwned`"),
    ("'p/$", "pwned", "p/$(touch pwned)`touch pwned`"),
    ("p/two", "lines", "p/two\nlines"),
    ("p/-", "--db", "p/-d --db"),
    ("p/温", "😀", "p/温度計😀"),
)


# What is typed before each Tab; how the line ends; what the program says when the line is run.
LINES = (
    (("mnsdb-bench com",), "--help", "Usage: mnsdb-bench commits "),
    (("mnsdb bench kern", "--vers"), "", "mnsdb-bench kernels "),
    (("mnsdb-fleet --prof", "walk"), "--quiet --messages 1", '"messagetype"'),
    (("mnsdb-localqueue --vers",), "", "mnsdb-localqueue "),
)


class Shells(Stores):
    def check_interactive(self, arguments, setup):
        work = self.home / f"work-{arguments[0]}"
        work.mkdir()
        env = dict(self.env, MNSDB_DB=str(self.home / "hostile"))
        terminal = Terminal(arguments, env, work)
        try:
            terminal.type(setup + "\n")
            terminal.wait((work / "ready").exists)
            for number, (typed, mark, name) in enumerate(TYPED):
                out = work / f"out-{number}"
                terminal.settle()
                terminal.type(f"mnsdb devices --device {typed}")
                terminal.settle()
                before = len(terminal.out)
                terminal.type(TAB)
                terminal.wait(lambda: mark.encode() in terminal.out[before:])
                terminal.settle()
                terminal.type(f" --format json >{out.name}.new; mv {out.name}.new {out.name}\n")
                terminal.wait(out.exists)
                with self.subTest(typed=typed):
                    rows = json.loads(out.read_bytes())
                    self.assertEqual([row["device"] for row in rows], [name], terminal.out[-1500:])
            self.assertFalse((work / "pwned").exists(), "a name was run")
        finally:
            terminal.close()

    @needs("bash")
    def test_bash_completes_hostile_names_and_runs_none(self):
        self.check_interactive(["bash", "--norc", "--noprofile", "-i"], f"source {SCRIPTS}/mnsdb.bash; >ready")

    @needs("zsh")
    def test_zsh_completes_hostile_names_and_runs_none(self):
        setup = f"fpath=({SCRIPTS} $fpath); autoload -Uz compinit; compinit -u -D; : >ready"
        self.check_interactive(["zsh", "-f", "-i"], setup)

    @needs("fish")
    def test_fish_completes_hostile_names_and_runs_none(self):
        self.check_interactive(["fish", "--no-config", "-i"], f"source {SCRIPTS}/mnsdb.fish; echo >ready")

    def check_lines(self, arguments, setup):
        """Completes and runs lines of the other programs: what they say shows that the words are whole."""
        work = self.home / f"lines-{arguments[0]}"
        work.mkdir()
        terminal = Terminal(arguments, self.env, work)
        try:
            terminal.type(setup + "\n")
            terminal.wait((work / "ready").exists)
            for number, (words, more, said) in enumerate(LINES):
                out = work / f"out-{number}"
                for word in words:
                    terminal.settle()
                    before = len(terminal.out)
                    terminal.type(word + TAB)
                    terminal.wait(lambda: len(terminal.out) > before + len(word))
                terminal.settle()
                terminal.type(f" {more} >{out.name}.new; mv {out.name}.new {out.name}\n")
                terminal.wait(out.exists)
                with self.subTest(words=words):
                    self.assertIn(said, out.read_text(), terminal.out[-1500:])
        finally:
            terminal.close()

    @needs("bash")
    def test_bash_completes_verbs_and_options_of_the_other_programs(self):
        self.check_lines(["bash", "--norc", "--noprofile", "-i"], f"source {SCRIPTS}/mnsdb.bash; >ready")

    @needs("zsh")
    def test_zsh_completes_verbs_and_options_of_the_other_programs(self):
        setup = f"fpath=({SCRIPTS} $fpath); autoload -Uz compinit; compinit -u -D; : >ready"
        self.check_lines(["zsh", "-f", "-i"], setup)

    @needs("fish")
    def test_fish_completes_verbs_and_options_of_the_other_programs(self):
        self.check_lines(["fish", "--no-config", "-i"], f"source {SCRIPTS}/mnsdb.fish; echo >ready")

    @needs("bash")
    def test_bash_offers_what_the_program_offers(self):
        script = f"""source {SCRIPTS}/mnsdb.bash; compopt() {{ :; }}
        COMP_LINE=$1 COMP_POINT=${{#1}}; _mnsdb "${{1%% *}}"; printf '%s\\n' "${{COMPREPLY[@]}}" """
        for line, want in (
            ("mnsdb stats --fi", "--fill"),
            ("mnsdb stats --device home/k", "home/kitchen"),
            ("mnsdb stats --device=home/k", "home/kitchen"),
            ("mnsdb ingest --retry", "--retry-rejects"),
            ("mnsdb stats -d /nowhere te", ""),
            ("mnsdb-bench com", "commits"),
            ("mnsdb bench ids --up", "--up-to"),
            ("mnsdb-fleet --profile w", "walkthrough"),
            ("mnsdb-localqueue --polling", "--polling-wait"),
        ):
            with self.subTest(line=line):
                done = subprocess.run(["bash", "--norc", "-c", script, "bash", line], env=self.env,
                                      capture_output=True, timeout=LIMIT_S)  # fmt: skip
                self.assertEqual((done.stdout.decode().strip("\n"), done.stderr), (want, b""))

    @needs("fish")
    def test_fish_offers_words_with_their_descriptions(self):
        script = f"source {SCRIPTS}/mnsdb.fish; complete -C $argv[1]"
        for line, want in (
            ("mnsdb stats --fil", "--fill\tBuckets without values"),
            ("mnsdb stats --device=home/k", "--device=home/kitchen"),
            ("mnsdb sessio", "sessions\tThe online sessions of devices"),
            ("mnsdb-bench com", "commits\tMeasures a store that is fed by small commits"),
            ("mnsdb-localqueue --polling", "--polling-wait\tPollingWaitSeconds of these queues (default 0)"),
        ):
            with self.subTest(line=line):
                done = subprocess.run(["fish", "--no-config", "-c", script, line], env=self.env,
                                      capture_output=True, timeout=LIMIT_S)  # fmt: skip
                self.assertEqual(done.stdout.decode().strip("\n"), want, done.stderr)


if __name__ == "__main__":
    unittest.main()
