"""The project speaks of itself, not of the place where somebody happened to work on it.

Absolute paths of a developer's machine and numbers of a tracker mean nothing to a reader of the
source, and large files have no place in it.
"""

import re

import source_tree

# Written so that this file does not match itself.
PATTERNS = {
    r"[/](?:work|home|root|Users)/[\w.]": "a path of somebody's machine",
    r"[.][.]/shared\b": "a path outside the project",
    r"[.]library\b": "a path outside the project",
    r"(?i)\bissue[s]?[ ]+#?[0-9]": "the number of an issue",
    r"(?i)\bas an? (?:ai|language) model\b": "not about the project",
    r"\b(?:TODO|FIXME|XXX)[:( ]": "an unfinished place: finish it or write it down in the docs",
}
FILE_BYTES_MAX = 1_000_000
OPAQUE = ("tests/fuzz/corpus/", "tests/data/")


def find(root):
    patterns = [(re.compile(text), meaning) for text, meaning in PATTERNS.items()]
    for relative in source_tree.project_files(root):
        path = relative.as_posix()
        content = (root / path).read_bytes()
        if len(content) > FILE_BYTES_MAX:
            yield f"{path}: {len(content)} bytes, {FILE_BYTES_MAX} at most"
        if path.startswith(OPAQUE) or b"\0" in content or path == "tests/check/check_words.py":
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            for pattern, meaning in patterns:
                match = pattern.search(line)
                if match:
                    yield f"{path}:{number}: '{match.group()}': {meaning}"


if __name__ == "__main__":
    source_tree.run("words", find)
