"""Each header compiles alone, and twice: it includes what it needs and guards itself."""

import concurrent.futures
import os
import shlex
import subprocess

import source_tree

PACKAGES = ("lmdb", "libxxhash", "libcjson", "zlib", "libzstd", "libcrypto", "sqlite3", "cmocka")
FLAGS = ("-std=c17", "-D_GNU_SOURCE", "-DMNSDB_TEST_FAULTS=1", "-Wall", "-Wextra", "-Wpedantic",
         "-Werror", "-fsyntax-only", "-x", "c", "-")


def package_flags():
    run = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True)
    return shlex.split(run.stdout) if run.returncode == 0 else []


def compile_alone(root, header, packages):
    """The first complaint of the compiler, or None."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    text = f'#include "{header}"\n#include "{header}"\nextern int header_check;\n'
    run = subprocess.run([*compiler, f"-I{root}", *packages, *FLAGS], input=text,
                         capture_output=True, text=True, cwd=root)
    if run.returncode == 0:
        return None
    lines = [line for line in run.stderr.splitlines() if "error:" in line]
    return f"{header} does not compile alone: {(lines or [run.stderr.strip()])[0]}"


def find(root):
    packages = package_flags()
    headers = [path.as_posix() for path in source_tree.c_files(root, (".h",))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for complaint in pool.map(lambda header: compile_alone(root, header, packages), headers):
            if complaint:
                yield complaint


if __name__ == "__main__":
    source_tree.run("headers", find)
