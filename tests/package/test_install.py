#!/usr/bin/env python3
# ctest: release-only
"""What `make install` lays down: a tree that works from where it was put, and links only what it may."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MNSDB_BIN"]).parent
COMPILER = os.environ.get("CC", "cc")
PROGRAMS = ("mnsdb", "mnsdb-ingest", "mnsdb-sql", "mnsdb-fleet", "mnsdb-bench")

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
        for forbidden in ("libcurl", "libcrypto", "libssl", "libxml2", "libmicrohttpd", "libsqlite3"):
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

    def unit(self):
        return next(self.prefix.rglob("mnsdb-ingest.service"))

    def test_the_service_starts_the_installed_program(self):
        text = self.unit().read_text()
        self.assertEqual(self.unit().parent, self.prefix / "lib" / "systemd" / "system")
        self.assertIn(f"\nExecStart={self.prefix}/bin/mnsdb-ingest ", text)
        self.assertNotIn("@", text.replace("@system-service", "").replace("@privileged", "")
                         .replace("@resources", ""))

    def test_the_service_is_confined(self):
        lines = self.unit().read_text().splitlines()
        for line in ("Type=notify", "DynamicUser=yes", "StateDirectory=mnsdb", "UMask=0077", "LimitCORE=0",
                     "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes",
                     "PrivateTmp=yes", "PrivateDevices=yes", "MemoryDenyWriteExecute=yes", "LockPersonality=yes",
                     "RestrictNamespaces=yes", "SystemCallFilter=@system-service", "SystemCallArchitectures=native",
                     "LoadCredential=mnsdb-credentials:/etc/mnsdb/credentials", "Restart=on-failure",
                     "RestartPreventExitStatus=2 3", "ExecReload=/bin/kill -HUP $MAINPID"):
            with self.subTest(line):
                self.assertIn(line, lines)
        for name in ("MemoryMax=", "WatchdogSec=", "RestrictAddressFamilies="):
            self.assertTrue(any(line.startswith(name) for line in lines), name)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_systemd_finds_nothing_wrong_with_the_service(self):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", self.unit()],
                              text=True, capture_output=True, stdin=subprocess.DEVNULL)
        self.assertNotIn("mnsdb-ingest.service", done.stderr)

    def test_every_setting_of_the_example_is_one(self):
        example = next(self.prefix.rglob("ingest.conf.example"))
        settings = [line[1:] for line in example.read_text().splitlines()
                    if re.fullmatch(r"#[a-z0-9-]+ = .*", line)]
        self.assertGreater(len(settings), 15)
        config = self.prefix / "ingest.conf"
        # The role is another place for the key than the file, which is not here.
        config.write_text("\n".join(line for line in settings
                                    if not line.startswith(("ecs-role", "credentials-", "queue", "ca-file"))))
        shown = run(self.prefix / "bin" / "mnsdb-ingest", "--check-config", "--config", config)
        self.assertIn(f"\t{config}:1\n", shown)
        names = {line.split(" = ")[0] for line in settings}
        known = {line.split("\t")[0] for line in shown.splitlines()}
        self.assertEqual(names - known, set())

    def test_the_manuals_are_installed(self):
        for page in ("man1/mnsdb.1", "man1/mnsdb-ingest.1", "man5/mnsdb-ingest.conf.5"):
            self.assertEqual(len(list(self.prefix.rglob(page))), 1, page)


if __name__ == "__main__":
    unittest.main()
