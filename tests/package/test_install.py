#!/usr/bin/env python3
# ctest: release-only
"""What `make install` lays down: a tree that works from where it was put, and links only what it may."""

import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MNSDB_BIN"]).parent
COMPILER = os.environ.get("CC", "cc")
PROGRAMS = ("mnsdb", "mnsdb-ingest", "mnsdb-fleet", "mnsdb-bench")

# Says, through the installed library, that there is no store here.
CONSUMER = """
#include "engine/engine.h"

#include <stdio.h>

int main(void)
{
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    const enum status status = snapshot_open(&snapshot, "no-such-store", &err);
    printf("%s\\n", status == STATUS_MISSING ? "missing" : err.message);
    return 0;
}
"""


def run(*arguments, **options):
    return subprocess.run([str(argument) for argument in arguments], check=True, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, **options).stdout


def needed_libraries(program):
    """All libraries the loader would take in, the indirect ones included."""
    return [line.split()[0] for line in run("ldd", program).splitlines()]


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.prefix = pathlib.Path(cls.folder.name) / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        found = next(cls.prefix.rglob("mnsdb-engine.pc"))
        cls.environment = {**os.environ, "PKG_CONFIG_PATH": str(found.parent)}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def flags(self, *options):
        return run("pkg-config", *options, "mnsdb-engine", env=self.environment).split()

    def build_consumer(self, name, libraries):
        source = self.prefix / "consumer.c"
        source.write_text(CONSUMER)
        program = self.prefix / name
        run(COMPILER, "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *self.flags("--cflags"),
            source, "-o", program, *libraries)
        return program

    def test_every_program_is_installed_and_knows_its_version(self):
        version = run("pkg-config", "--modversion", "mnsdb-engine", env=self.environment).strip()
        for name in PROGRAMS:
            with self.subTest(name):
                self.assertIn(version, run(self.prefix / "bin" / name, "--version"))

    def test_a_program_links_the_shared_engine_through_pkg_config(self):
        libraries = self.flags("--libs")
        folder = next(self.prefix.rglob("libmnsdb-engine.so")).parent
        program = self.build_consumer("shared", libraries)
        self.assertIn("libmnsdb-engine.so.0", run("readelf", "-d", program))
        self.assertEqual(run(program, env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
                             cwd=self.prefix), "missing\n")

    def test_a_program_links_the_static_engine_through_pkg_config(self):
        archive = next(self.prefix.rglob("libmnsdb-engine.a"))
        libraries = [archive if flag == "-lmnsdb-engine" else flag
                     for flag in self.flags("--libs", "--static")]
        program = self.build_consumer("static", libraries)
        self.assertNotIn("libmnsdb-engine", run("readelf", "-d", program))
        self.assertEqual(run(program, cwd=self.prefix), "missing\n")

    def test_the_shared_library_exports_only_what_its_headers_declare(self):
        library = next(self.prefix.rglob("libmnsdb-engine.so"))
        headers = "".join(path.read_text() for path in (self.prefix / "include").rglob("*.h"))
        lines = run("nm", "--dynamic", "--defined-only", library).splitlines()
        exported = [line.split()[-1] for line in lines]
        self.assertIn("snapshot_open", exported)
        self.assertEqual([name for name in exported if f"{name}(" not in headers], [])

    def test_the_query_program_links_nothing_of_the_network(self):
        libraries = needed_libraries(self.prefix / "bin" / "mnsdb")
        for forbidden in ("libcurl", "libcrypto", "libssl", "libxml2", "libmicrohttpd"):
            self.assertEqual([name for name in libraries if name.startswith(forbidden)], [])

    def test_the_programs_are_hardened(self):
        for name in PROGRAMS:
            with self.subTest(name):
                dynamic = run("readelf", "-dW", self.prefix / "bin" / name)
                headers = run("readelf", "-lW", self.prefix / "bin" / name)
                self.assertIn("PIE", dynamic)
                self.assertIn("NOW", dynamic)
                self.assertIn("GNU_RELRO", headers)
                self.assertNotRegex(headers, r"GNU_STACK.*RWE")


if __name__ == "__main__":
    unittest.main()
