"""The shape of files: an opening comment, one subject's length, plain UTF-8 without stray bytes."""

import source_tree

LINES_MAX = 700
COLUMNS_MAX = 100  # comments included, which clang-format leaves alone
TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".in"}


def shape_of_c(path, lines):
    if not lines or not lines[0].startswith("/*"):
        yield f"{path}: does not open with a comment that says what it is for"
    if len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines, {LINES_MAX} at most: is it still one subject?"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield f"{path}:{number}: {len(line)} columns, {COLUMNS_MAX} at most"


def find(root):
    for relative in source_tree.project_files(root):
        path = relative.as_posix()
        if relative.suffix not in TEXT_SUFFIXES or path.startswith(("tests/data/", "tests/fuzz/corpus/")):
            continue
        try:
            text = (root / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            yield f"{path}: not UTF-8: {error.reason} at byte {error.start}"
            continue
        if text and not text.endswith("\n"):
            yield f"{path}: no line break at its end"
        if "\r" in text:
            yield f"{path}: carriage returns"
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                yield f"{path}:{number}: blanks at the end of the line"
        if relative.suffix in (".c", ".h") and path.split("/")[0] in source_tree.C_FOLDERS:
            yield from shape_of_c(path, lines)


if __name__ == "__main__":
    source_tree.run("shape", find)
