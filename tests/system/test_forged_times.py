#!/usr/bin/env python3
"""A store whose checksums are right and whose times cannot be: every command says that it is damaged.

The values are changed through liblmdb and libxxhash, which the programs are built on: by what
docs/format.md says, not by the programs' own code.
"""
import ctypes
import shutil
import struct
import unittest

import harness
from harness import Db, lines, reading, run, status

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
DAMAGED = 4
STATE_BYTES = 168
FIRST_MS, LAST_MS = 80, 88  # offsets in a state
# The ends of what 64 bits hold, years 999 and 5460, 0 and 10000.
TIMES_MS = (-(1 << 63), (1 << 63) - 1, -30610224000001, 110127264355328, -62167219200001, 253402300800000)
ROWS = (
    ("info",),
    ("stats", "a", "--agg", "count,sum,first,last,p50"),
    ("stats", "a", "--every", "1d", "--tz", "Europe/Berlin", "--fill", "prev"),
    ("stats", "a", "--every", "1mo", "--by", "device"),
    ("online",),
    ("online", "--every", "1h"),
    ("sessions", "--keep-stale"),
    ("log", "--tz", "Pacific/Chatham"),
    ("last",),
    ("devices",),
    ("metrics",),
    ("gaps",),
    ("excursions", "a", "--above", "1"),
    ("stats", "a", "--every", "1h", "--versus", "-1w"),
    ("report", "--html", "-"),
    ("check",),
)


class Val(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


def val_of(data):
    holder = ctypes.create_string_buffer(data, len(data))
    return Val(len(data), ctypes.cast(holder, ctypes.c_void_p)), holder


class Lmdb:
    """The keys and values of a store, read and put back one transaction each."""

    NEXT, TLS_OFF = 8, 0x200000

    def __init__(self, path):
        self.lib = ctypes.CDLL("liblmdb.so.0")
        self.lib.mdb_env_set_mapsize.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.path = str(path).encode()

    def must(self, name, *args):
        code = getattr(self.lib, name)(*args)
        if code != 0:
            raise AssertionError(f"{name}: {code}")

    def within(self, work):
        env, txn, dbi = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()
        self.must("mdb_env_create", ctypes.byref(env))
        self.must("mdb_env_set_mapsize", env, 1 << 30)
        self.must("mdb_env_open", env, self.path, self.TLS_OFF, 0o600)
        self.must("mdb_txn_begin", env, None, 0, ctypes.byref(txn))
        self.must("mdb_dbi_open", txn, None, 0, ctypes.byref(dbi))
        result = work(txn, dbi)
        self.must("mdb_txn_commit", txn)
        self.lib.mdb_env_close(env)
        return result

    def items(self):
        def read(txn, dbi):
            found, cursor, key, value = {}, ctypes.c_void_p(), Val(), Val()
            self.must("mdb_cursor_open", txn, dbi, ctypes.byref(cursor))
            while self.lib.mdb_cursor_get(cursor, ctypes.byref(key), ctypes.byref(value), self.NEXT) == 0:
                found[ctypes.string_at(key.data, key.size)] = ctypes.string_at(value.data, value.size)
            self.lib.mdb_cursor_close(cursor)
            return found

        return self.within(read)

    def put(self, key, value):
        def write(txn, dbi):
            (k, key_bytes), (v, value_bytes) = val_of(key), val_of(value)
            self.must("mdb_put", txn, dbi, ctypes.byref(k), ctypes.byref(v), 0)

        self.within(write)


def checksum(data, seed):
    lib = ctypes.CDLL("libxxhash.so.0")
    lib.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    lib.XXH3_64bits_withSeed.restype = ctypes.c_uint64
    return lib.XXH3_64bits_withSeed(data, len(data), seed)


def checked(key, payload):
    return struct.pack("<Q", checksum(payload, checksum(key, 0))) + payload


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def signed(value):
    """A signed varint; differences wrap around as they do in 64 bits."""
    value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return varint((value << 1 ^ value >> 63) % (1 << 64))


class ForgedTimes(unittest.TestCase):
    def setUp(self):
        self.db = Db(self)
        bodies = [reading("p/d1", {"a": i, "time": NOW_MS + i * 60000}, 100 + i, NOW_S) for i in range(3)]
        bodies += [status("p/d2", "online", 200, NOW_S, time=NOW_MS), b"rubbish!"]
        self.db.ingest(lines(bodies))
        self.sound = self.db.home / "sound"
        shutil.copytree(self.db.path, self.sound)
        items = Lmdb(self.sound).items()
        self.state_key = next(key for key in items if key[:1] == b"L")
        self.state = items[self.state_key][8:]
        self.reject_key = next(key for key in items if key[:1] == b"R")
        self.reject = items[self.reject_key][8:]
        self.assertEqual(items[self.state_key], checked(self.state_key, self.state))

    def forge(self, key, payload):
        shutil.rmtree(self.db.path)
        shutil.copytree(self.sound, self.db.path)
        Lmdb(self.db.path).put(key, checked(key, payload))

    def check_damaged(self, what, commands):
        for command in commands:
            result = run("mnsdb", command[0], "--db", self.db.path, *command[1:])
            self.assertEqual(result.code, DAMAGED, f"{what}: {result!r}")
            self.assertTrue(result.err.strip(), f"{what}: {result!r}")
        verify = run("mnsdb", "verify", "--db", self.db.path)
        self.assertNotEqual(verify.code, 0, f"{what}: {verify!r}")

    def test_the_same_values_put_back_are_sound(self):
        self.forge(self.state_key, self.state)
        for command in ROWS:
            result = run("mnsdb", command[0], "--db", self.db.path, *command[1:])
            self.assertIn(result.code, (0, 1), result)
        self.db.check_verify()

    def test_a_first_or_last_time_that_cannot_be(self):
        for at in (FIRST_MS, LAST_MS):
            for time_ms in TIMES_MS[:: 3 if harness.SANITIZED else 1]:
                forged = self.state[:at] + struct.pack("<q", time_ms) + self.state[at + 8 :]
                self.forge(self.state_key, forged)
                self.check_damaged(f"{time_ms} at {at}", (*ROWS[:1], *ROWS[2::3]))

    def test_a_row_at_a_time_that_cannot_be(self):
        old = signed(NOW_MS)
        rows = STATE_BYTES + self.state[STATE_BYTES:].index(old)  # the first row's, less that of none
        for time_ms in TIMES_MS:
            # The row behind it stays where it is.
            next_old = signed(60000)
            behind = self.state[rows + len(old) :]
            at = behind.index(next_old)
            behind = behind[:at] + signed(NOW_MS + 60000 - time_ms) + behind[at + len(next_old) :]
            self.forge(self.state_key, self.state[:rows] + signed(time_ms) + behind)
            self.check_damaged(f"a row at {time_ms}", ROWS[1:] if time_ms == TIMES_MS[0] else ROWS[1::4])

    def test_a_reject_of_a_time_that_cannot_be(self):
        # sequence, reason, flags, time: docs/format.md
        head, end = self.reject[:3], 3
        while self.reject[end] & 0x80:
            end += 1
        for time_ms in TIMES_MS:
            self.forge(self.reject_key, head + signed(time_ms) + self.reject[end + 1 :])
            self.check_damaged(f"a reject at {time_ms}", (("rejects",), ("rejects", "--by", "reason")))


if __name__ == "__main__":
    unittest.main()
