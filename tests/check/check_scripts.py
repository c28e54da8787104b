"""Scripts parse, and those meant to be run can be."""

import os
import subprocess

import source_tree


def find(root):
    for relative in source_tree.project_files(root):
        path = relative.as_posix()
        with open(root / path, "rb") as file:
            head = file.readline(128)
        if head.startswith(b"#!") and not os.access(root / path, os.X_OK):
            yield f"{path}: begins with #! but is not executable"
        if head.startswith(b"#!") and (b"bash" in head or head.rstrip().endswith(b"/sh")):
            shell = "bash" if b"bash" in head else "sh"
            run = subprocess.run([shell, "-n", str(root / path)], capture_output=True, text=True)
            if run.returncode != 0:
                yield f"{path}: {run.stderr.strip()}"
        elif relative.suffix == ".py" or (head.startswith(b"#!") and b"python" in head):
            try:
                compile((root / path).read_bytes(), path, "exec")
            except SyntaxError as error:
                yield f"{path}:{error.lineno}: {error.msg}"


if __name__ == "__main__":
    source_tree.run("scripts", find)
