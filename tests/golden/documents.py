"""Documents whose commands are run: what stands under `$ command` in a ```console block is its output.

The blocks of a document are run in order, in one folder, each line by `sh` on a terminal of COLUMNS
columns without colours. A last line "..." in a block stands for more output. `export NAME=VALUE` holds
for the commands that follow.

What differs from run to run is masked on both sides: rates, sizes, and times that are not of the years
that the data is of.
"""
import os
import re
import shutil
import tempfile
from pathlib import Path

import golden

REPO = golden.HERE.parent.parent
DOCUMENTS = ("README.md", "docs/tutorial.md", "docs/cookbook.md")
COLUMNS = 100
CUT = "..."

MASKS = (
    re.compile(r"(?<=; )[0-9.]+ [kMG]?B in [0-9a-z. ]+, [0-9.]+ ?[kM]?/s"),
    re.compile(r"\([0-9.]+ [kM]?B\)"),
    re.compile(r"(?<=^bytes)\s+[0-9]+"),
    re.compile(r"(?!2018|2024)20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"),
    re.compile(r"\b[0-9.]+ ms$"),
)


def masked(line):
    for mask in MASKS:
        line = mask.sub("~", line)
    return line


class Step:
    def __init__(self, command, line):
        self.command, self.line, self.expected = command, line, []

    @property
    def is_cut(self):
        return bool(self.expected) and self.expected[-1] == CUT

    def matches(self, got):
        want = self.expected
        if self.is_cut:
            want = want[:-1]
            got = got[: len(want)]
        return [masked(line) for line in want] == [masked(line) for line in got]

    def replace(self, got):
        if self.matches(got):
            return
        if self.is_cut and len(got) > len(self.expected) - 1:
            got = [*got[: len(self.expected) - 1], CUT]
        self.expected = got


class Document:
    def __init__(self, path):
        self.path = path
        self.parts = []  # lines of text, and Steps
        self.steps = []
        inside = False
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not inside:
                inside = line == "```console"
                self.parts.append(line)
            elif line == "```":
                inside = False
                self.parts.append(line)
            elif line.startswith("$ "):
                self.steps.append(Step(line[2:], number))
                self.parts.append(self.steps[-1])
            elif not self.steps or not isinstance(self.parts[-1], Step):
                raise golden.Malformed(f"{path.name}: line {number}: output before a command")
            else:
                self.steps[-1].expected.append(line)

    def rewritten(self):
        lines = []
        for part in self.parts:
            lines += ["$ " + part.command, *part.expected] if isinstance(part, Step) else [part]
        return "\n".join(lines)

    def run(self, programs):
        """Yields each step and the lines that it prints."""
        home = Path(tempfile.mkdtemp(prefix="mnsdb-document-"))
        try:
            (home / "tests").symlink_to(REPO / "tests")
            env = {key: os.environ[key] for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if key in os.environ}
            env.update(PATH=f"{Path(programs).resolve()}:/usr/bin:/bin", HOME=str(home), LC_ALL="C.UTF-8",
                       TERM="xterm-256color", NO_COLOR="1", COLUMNS=str(COLUMNS), TZ="Pacific/Chatham")  # fmt: skip
            for step in self.steps:
                export = re.fullmatch(r"export (\w+)=(\S+)", step.command)
                if export:
                    env[export[1]] = export[2]
                    yield step, []
                    continue
                _, out = golden.run_on_terminal(step.command, env, home, COLUMNS)
                lines = out.decode("utf-8", "backslashreplace").split("\n")
                lines = [line.rsplit("\r", 1)[-1].replace("\x1b[K", "").rstrip() for line in lines]
                while lines and lines[-1] == "":
                    lines.pop()
                yield step, lines
        finally:
            shutil.rmtree(home, ignore_errors=True)


def documents(names=()):
    paths = [REPO / path for path in DOCUMENTS]
    return [Document(path) for path in paths if path.exists() and (not names or path.stem in names)]
