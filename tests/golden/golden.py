"""Golden cases: command lines and what they print, in text files. README.md says how to add one.

A case file, cases/NAME.case:

    # a comment
    store: home                 the set that was taken in; default: home
    mask: [0-9]+ ms             what is never the same, as a regular expression; repeatable

    $ mnsdb stats --by device   a line for the shell
    @ pipe                      how it is run; then what it printed
    | stdout, a line
    ! stderr, a line
    ? 1                         the exit code, unless 0
    @ tty 60 posix              on a terminal of 60 columns: stdout and stderr are one
    | ...

Outputs are compared byte by byte. Bytes that are not printable text stand as \\t, \\r, \\e
and \\xNN, and so does a blank at the end of a line; a last line without its end is followed by "\\".

Times of arrival, which are those of the test, are replaced by 0000-00-00..., and the store's path by
STORE, before anything is compared.
"""
import errno
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import tempfile
import termios
import time
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = HERE / "cases"
SETS = HERE / "sets"
TIMEOUT_S = 60
DEFAULT_RUN = "pipe"
RUN_WORDS = ("pipe", "tty", "posix", "colour")
ROWS = 24
COLUMNS = 80

SHORT = {"\t": "\\t", "\r": "\\r", "\x1b": "\\e"}

TIME = re.compile(rb"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d\.\d{3}")


class Malformed(Exception):
    pass


# --- case files ----------------------------------------------------------------------------------


class Run:
    """One way to run a command: `words` as on the @ line, and the lines that it must print."""

    def __init__(self, words, line):
        self.words, self.line, self.expected = words, line, []
        parts = words.split()
        self.tty = "tty" in parts
        self.posix = "posix" in parts
        self.colour = "colour" in parts
        self.columns = next((int(p) for p in parts if p.isdigit()), COLUMNS)
        unknown = [p for p in parts if p not in RUN_WORDS and not p.isdigit()]
        if unknown or self.tty == ("pipe" in parts):
            raise Malformed(f"line {line}: '@ {words}': pipe or tty, then perhaps COLUMNS, posix, colour")


class Case:
    def __init__(self, command, line):
        self.command, self.line, self.runs = command, line, []


class CaseFile:
    """Keeps what it does not understand as it is, so that rewriting changes expectations alone."""

    def __init__(self, path):
        self.path = path
        self.store = "home"
        self.masks = []
        self.parts = []  # texts, Cases and Runs, in order
        self.cases = []
        try:
            for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                self._take(number, text)
        except Malformed as error:
            raise Malformed(f"{path.name}: {error}") from None
        while self.parts and self.parts[-1] == "":
            self.parts.pop()
        for case in self.cases:
            if not case.runs:
                run = Run(DEFAULT_RUN, case.line)
                self.parts.insert(self.parts.index(case) + 1, run)
                case.runs.append(run)

    def _take(self, number, text):
        if text.startswith("$ "):
            self.cases.append(Case(text[2:], number))
            self.parts.append(self.cases[-1])
        elif text.startswith("@ "):
            if not self.cases:
                raise Malformed(f"line {number}: '@' before the first command")
            run = Run(text[2:], number)
            self.cases[-1].runs.append(run)
            self.parts.append(run)
        elif text[:2] in ("| ", "! ", "? ", "|", "!"):
            if not self.cases:
                raise Malformed(f"line {number}: output before the first command")
            if not self.cases[-1].runs:
                run = Run(DEFAULT_RUN, number)
                self.cases[-1].runs.append(run)
                self.parts.append(run)
            self.cases[-1].runs[-1].expected.append(text)
        elif text.startswith("store: "):
            self.store = text[7:].strip()
        elif text.startswith("mask: "):
            self.masks.append(text[6:])
        elif text and not text.startswith("#"):
            raise Malformed(f"line {number}: '{text}': neither '$', '@', '|', '!', '?' nor '#'")
        if not text.startswith(("$ ", "@ ", "|", "!", "? ")):
            self.parts.append(text)

    def rewritten(self):
        lines = []
        for part in self.parts:
            if isinstance(part, Case):
                lines.append("$ " + part.command)
            elif isinstance(part, Run):
                lines += ["@ " + part.words, *part.expected]
            else:
                lines.append(part)
        return "\n".join(lines) + "\n"


# --- what was printed, as lines --------------------------------------------------------------------


def visible(data):
    """Text of a line: printable characters as they are, other bytes as \\xNN."""
    out = []
    for char in data.decode("utf-8", "surrogateescape"):
        if "\udc80" <= char <= "\udcff":
            out.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif char.isprintable():
            out.append(char)
        elif char in SHORT:
            out.append(SHORT[char])
        else:
            out.append("".join(f"\\x{byte:02x}" for byte in char.encode("utf-8")))
    text = "".join(out)
    return text[:-1] + "\\x20" if text.endswith(" ") else text


def as_lines(mark, data):
    if not data:
        return []
    lines = data.split(b"\n")
    ended = lines.pop() == b"" if data.endswith(b"\n") else False
    shown = [(mark + " " + visible(line)).rstrip() for line in lines]
    if not ended:
        shown[-1] += "\\"
    return shown


# --- running ---------------------------------------------------------------------------------------


def read_terminal(fd):
    data = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError as error:
            if error.errno == errno.EIO:  # the other side is closed
                return data
            raise
        if not part:
            return data
        data += part


def run_on_terminal(command, env, cwd, columns):
    """Exit code and output of a shell line whose stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        settings = termios.tcgetattr(theirs)
        settings[1] &= ~termios.OPOST  # a line's end stays one byte
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        child = subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env, cwd=cwd
        )
        os.close(theirs)
        theirs = None
        data = read_terminal(ours)
        return child.wait(TIMEOUT_S), data
    finally:
        os.close(ours)
        if theirs is not None:
            os.close(theirs)


class Runner:
    """The stores of the sets, made when first asked for; `close` removes them."""

    def __init__(self, programs):
        self.programs = Path(programs).resolve()
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-golden-"))
        self.work = self.home / "work"
        self.work.mkdir()
        self.began = time.time()

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def store(self, name):
        path = self.home / name
        if not path.exists():
            source = SETS / f"{name}.ndjson"
            if not source.exists():
                raise Malformed(f"no set {name}: {source.relative_to(HERE)} is not there")
            subprocess.run(
                [self.programs / "mnsdb-ingest", "--quiet", "--db", path, source],
                check=True, timeout=TIMEOUT_S, env=self.environment(Run("pipe", 0), None),
            )  # fmt: skip
        return path

    def environment(self, how, store):
        kept = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
        env = {key: os.environ[key] for key in kept if key in os.environ}
        env["PATH"] = f"{self.programs}:/usr/bin:/bin"
        env["TZ"] = "Pacific/Chatham"  # the host's zone must not matter
        env["HOME"] = "/nonexistent/home"  # nor its user's settings
        env["LC_ALL"] = "POSIX" if how.posix else "C.UTF-8"
        env["COLUMNS"] = str(how.columns)
        env["TERM"] = "xterm-256color"
        if not how.colour:
            env["NO_COLOR"] = "1"
        if store:
            env["MNSDB_DB"] = str(store)
        return env

    def _masked(self, data, masks):
        now = time.time()

        def arrival(match):
            text = match.group().decode().replace("T", " ")
            when = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
            if self.began - 1 <= when.timestamp() <= now + 1:
                return b"0000-00-00" + match.group(1) + b"00:00:00.000"
            return match.group()

        data = TIME.sub(arrival, data).replace(os.fsencode(self.home) + b"/", b"STORE/")
        for mask in masks:
            data = re.sub(mask.encode(), b"~", data)
        return data

    def run(self, case_file, case, how):
        """The lines that a case prints now."""
        env = self.environment(how, self.store(case_file.store))
        if how.tty:
            code, out = run_on_terminal(case.command, env, self.work, how.columns)
            err = b""
        else:
            done = subprocess.run(
                ["sh", "-c", case.command], stdin=subprocess.DEVNULL, capture_output=True,
                timeout=TIMEOUT_S, env=env, cwd=self.work,
            )  # fmt: skip
            code, out, err = done.returncode, done.stdout, done.stderr
        lines = as_lines("|", self._masked(out, case_file.masks))
        lines += as_lines("!", self._masked(err, case_file.masks))
        return lines + ([f"? {code}"] if code else [])


def case_files(names=()):
    paths = sorted(CASES.glob("*.case"))
    if names:
        wanted = {Path(name).stem for name in names}
        unknown = wanted - {path.stem for path in paths}
        if unknown:
            raise Malformed(f"no such case file: {', '.join(sorted(unknown))}")
        paths = [path for path in paths if path.stem in wanted]
    return [CaseFile(path) for path in paths]
