"""What the checks of the source tree share: finding files, reading C without its comments."""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
C_FOLDERS = ("engine", "cli", "ingest", "query", "sql", "bench", "tests")

# A comment, a string or a character constant: whichever begins first swallows the others.
_OPAQUE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def c_files(root, suffixes=(".c", ".h")):
    """Paths of the C files relative to `root`, sorted."""
    found = []
    for folder in C_FOLDERS:
        found += [path.relative_to(root) for path in (root / folder).rglob("*")
                  if path.suffix in suffixes and path.is_file()]
    return sorted(found)


def code_only(text, keep_strings=False):
    """`text` with comments (and strings) blanked out; line breaks stay, so line numbers hold."""
    def blank(match):
        token = match.group()
        if keep_strings and token[0] in "\"'":
            return token
        return re.sub(r"[^\n]", " ", token)
    return _OPAQUE.sub(blank, text)


def project_files(root):
    """Every file that belongs to the project: what git tracks, or without git all but builds."""
    if (root / ".git").exists() and shutil.which("git"):
        listing = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True)
        names = [pathlib.Path(name) for name in listing.stdout.decode().split("\0") if name]
        if names:
            return [name for name in names if (root / name).is_file()]
    skipped = {"build", ".git", "__pycache__"}
    return sorted(path.relative_to(root) for path in root.rglob("*")
                  if path.is_file() and not skipped & set(path.relative_to(root).parts))


def run(name, find):
    """Prints what `find(root)` reports, a line each, and exits 1 if there was anything."""
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    findings = list(find(root))
    for finding in findings:
        print(f"{name}: {finding}")
    if not findings:
        print(f"{name}: ok")
    sys.exit(1 if findings else 0)
