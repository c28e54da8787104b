"""The checks themselves: each finds what it is for in a small tree made for it, and only that."""

import pathlib
import tempfile
import unittest

import check_banned
import check_headers
import check_layers
import check_shape
import check_words

CLEAN = {
    "engine/base/error.h": "/* e */\n#ifndef E_H\n#define E_H\nenum status { STATUS_OK };\n#endif\n",
    "engine/block/block.h": '/* b */\n#ifndef B_H\n#define B_H\n#include "engine/base/error.h"\n'
                            "enum status block_open(void);\n#endif\n",
    "engine/block/block_internal.h": "/* i */\n#ifndef I_H\n#define I_H\nextern int inside;\n#endif\n",
    "engine/block/block.c": '/* b */\n#include "engine/block/block.h"\n'
                            '#include "engine/block/block_internal.h"\n',
    "cli/cli.h": '/* c */\n#ifndef C_H\n#define C_H\n#include "engine/base/error.h"\n#endif\n',
    "query/main.c": '/* q */\n#include "cli/cli.h"\n#include "engine/block/block.h"\n',
}


class Checks(unittest.TestCase):
    def findings(self, check, changes):
        """What `check` finds in the clean tree with `changes` (path: text) made to it."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in {**CLEAN, **changes}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(text.encode() if isinstance(text, str) else text)
            return list(check.find(root))

    def assert_found(self, check, changes, expected):
        found = self.findings(check, changes)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_a_clean_tree_passes_every_check(self):
        for check in (check_layers, check_banned, check_headers, check_shape, check_words):
            self.assertEqual(self.findings(check, {}), [], check.__name__)

    def test_an_upward_include_is_found(self):
        self.assert_found(check_layers, {"engine/up/up.c": '/* u */\n#include "cli/cli.h"\n'},
                          "engine may use only")

    def test_cli_sees_only_the_base_of_the_engine(self):
        self.assert_found(check_layers, {"cli/x.c": '/* x */\n#include "engine/block/block.h"\n'},
                          "cli may use only")

    def test_query_and_ingest_do_not_know_each_other(self):
        self.assert_found(check_layers, {"ingest/source/source.h": "/* s */\n",
                                         "query/x.c": '/* x */\n#include "ingest/source/source.h"\n'},
                          "query may use only")

    def test_a_foreign_internal_header_is_found(self):
        self.assert_found(check_layers,
                          {"engine/scan/scan.c": '/* s */\n#include "engine/block/block_internal.h"\n'},
                          "private to engine/block")

    def test_a_second_header_of_a_foreign_module_is_found(self):
        self.assert_found(check_layers,
                          {"engine/block/lane.h": "/* l */\n",
                           "query/x.c": '/* x */\n#include "engine/block/lane.h"\n'},
                          "not the public header")

    def test_tests_may_look_inside(self):
        self.assertEqual(self.findings(check_layers, {
            "tests/unit/test_x.c": '/* t */\n#include "engine/block/block_internal.h"\n'}), [])

    def test_relative_and_missing_includes_are_found(self):
        self.assert_found(check_layers, {"cli/x.c": '/* x */\n#include "../engine/base/error.h"\n'},
                          "is relative")
        self.assert_found(check_layers, {"cli/x.c": '/* x */\n#include "cli.h"\n'}, "is no file")

    def test_an_include_in_a_comment_is_none(self):
        self.assertEqual(self.findings(check_layers, {
            "cli/x.c": '/* x\n#include "engine/block/block.h"\n*/\n'}), [])

    def test_a_circle_of_modules_is_found(self):
        self.assert_found(check_layers, {
            "engine/a/a.h": '/* a */\n#include "engine/b/b.h"\n',
            "engine/b/b.h": '/* b */\n#include "engine/a/a.h"\n'}, "engine/a -> engine/b -> engine/a")

    def test_a_library_in_the_wrong_place_is_found(self):
        self.assert_found(check_layers, {"query/x.c": "/* x */\n#include <openssl/sha.h>\n"},
                          "belongs to ingest/")

    def test_banned_calls_are_found_and_look_alikes_are_not(self):
        self.assert_found(check_banned, {"query/x.c": "/* x */\nint f(void)\n{\n    return atoi(s);\n}\n"},
                          "query/x.c:4: atoi")
        self.assert_found(check_banned, {"query/x.c": "/* x */\nvoid f(void)\n{\n    free(s);\n}\n"},
                          "engine/base/mem.h")
        self.assertEqual(self.findings(check_banned, {
            "query/x.c": '/* free(x) */\nchar *t = "atoi(";\nint n = cJSON_free(t) + p->free(t);\n',
            "engine/base/mem.c": "/* m */\nvoid f(void)\n{\n    free(s);\n}\n"}), [])

    def test_a_suppression_is_found(self):
        self.assert_found(check_banned, {"cli/x.c": "/* x */\nint i; // NOLINT\n"}, "no suppressions")

    def test_a_header_that_leans_on_its_includer_is_found(self):
        self.assert_found(check_headers, {"cli/x.h": "/* x */\nuint32_t twice(uint32_t x);\n"},
                          "cli/x.h does not compile alone")

    def test_a_header_without_a_guard_is_found(self):
        self.assert_found(check_headers, {"cli/x.h": "/* x */\nstruct x { int y; };\n"},
                          "cli/x.h does not compile alone")

    def test_bad_shapes_are_found(self):
        self.assert_found(check_shape, {"cli/x.c": "int x;\n"}, "does not open")
        self.assert_found(check_shape, {"cli/x.c": "/* x */\nint x; \n"}, "blanks at the end")
        self.assert_found(check_shape, {"cli/x.c": "/* x */"}, "no line break")
        self.assert_found(check_shape, {"cli/x.c": "/* x */\r\n"}, "carriage")
        self.assert_found(check_shape, {"cli/x.c": b"/* \xff */\n"}, "not UTF-8")
        self.assert_found(check_shape, {"cli/x.c": "/* x */\n" * 701}, "701 lines")
        self.assert_found(check_shape, {"cli/x.c": "/*" + "x" * 99 + "*/\n"}, "103 columns")

    def test_paths_of_a_machine_are_found(self):
        path = "/".join(("", "home", "ann", "mnsdb"))
        self.assert_found(check_words, {"docs/x.md": f"See {path}.\n"}, "somebody's machine")


if __name__ == "__main__":
    unittest.main()
