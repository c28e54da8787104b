#!/usr/bin/env python3
"""Hostile input: never a crash, never a lost body, never a raw control character, the good ones all stored."""
import base64
import gzip
import re
import subprocess
import unittest
import zlib

import harness
from harness import Db, compact, envelope, lines, parse_json, reading, rng_for, run, status
from oracle.decode import decode_base64, holds_secret

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
MIB = 1 << 20


class Ids:
    def __init__(self):
        self.last = 1000

    def __call__(self):
        self.last += 1
        return self.last


def good(i, device="pk/dn"):
    return reading(device, {"v": i, "time": NOW_MS + i}, 10**15 + i, NOW_S)


def in_base64(body):
    return base64.b64encode(body)


def hostile_bodies():
    """One body or more for each reason, beside bodies that look alike and are good."""
    new = Ids()
    b = []

    def envelope_text(**change):
        members = {
            "payload": compact(base64.b64encode(b'{"a":1}').decode()),
            "messagetype": '"upload"',
            "topic": '"/pk/dn/update"',
            "messageid": str(new()),
            "timestamp": str(NOW_S),
        }
        members.update(change)
        return ("{" + ",".join(f'"{k}":{v}' for k, v in members.items() if v is not None) + "}").encode()

    def payload(text):
        data = text if isinstance(text, bytes) else text.encode()
        return envelope_text(payload=compact(base64.b64encode(data).decode()))

    # the body itself
    b += [b"x", b"hello, world", b"!!!!", b"QUJDR", b"=", b"====", b"\xff\xfe\xfd", b"\x00", b"\x1b[31mred"]
    b += [b"[1,2]", b'"text"', b"null", b"{", b"{}x", b'{"a":1', b"{'a':1}", b"{\x00}", b'{"a":"\xff"}', b'{"a":"\t"}']
    b += [b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":01}', b'{"a":1.}', b'{"a":"\\ud800"}', b'{"a":"\\x41"}']
    b += [in_base64(body) for body in (b"{", b"[]", b'"text"', b"{} {}", b'{"a":"\xc0\xaf"}', b"{\x00}")]
    b += [b'{"a":' + b"[" * n + b"]" * n + b"}" for n in (63, 64, 5000)]
    b += [b"{" * 100000, b'{"a":"' + b"x" * 70000, b" " * 10 + b"{" + b" " * 70000]
    # the envelope
    b += [b"{}", b'{"a":1}', envelope_text(messageid=None), envelope_text(messageid=None, messageId="5")]
    for bad in ("null", "true", "-1", "1.0", "1e3", '"12 "', '" 12"', '"0x10"', '""', "[1]", '"007"',
                str(2**64), '"%d"' % 2**64, "9" * 400, '"1.5"', '"١٢"'):  # fmt: skip
        b.append(envelope_text(messageid=bad))
    b += [envelope_text(messageid=text) for text in ("0", '"18446744073709551615"', "18446744073709551614")]
    b.append(envelope_text(messageid="5," + '"messageid":%d' % new()))
    for bad in (None, "null", "1", '"Upload"', '"STATUS"', '""', '"upload "', '"lifecycle"', '["upload"]'):
        b.append(envelope_text(messagetype=bad))
    for bad in (None, "null", '"%d"' % NOW_S, "631151999", "4102444800", "1600000000.0", "1.6e9", "-1", "1e4", "[]"):
        b.append(envelope_text(timestamp=bad))
    b += [envelope_text(timestamp=t) for t in ("631152000", "4102444799")]
    for bad in (None, "null", "5", '{"a":1}', '"!"', '"QUJDR"', '"="', '"===="', '"\\u0000"', '"\\u001b[0m"', '"ä"'):
        b.append(envelope_text(payload=bad))
    b += [envelope_text(payload=good_one) for good_one in (
        '" {\\"a\\":1}"', '"\\t\\r\\n{\\"a\\":1}"', '"eyJhIjoxfQ"', '"eyJh IjoxfQ=="', '"eyJh\\r\\nIjox\\tfQ=="')]  # fmt: skip
    b.append(envelope_text(payload=compact(base64.urlsafe_b64encode('{"a":1,"b":"??>>ÿÿ~~"}'.encode()).decode())))
    b.append(envelope_text(unknown='{"deep":[{"x":[1,2,{}]}],"n":-1.5e-7,"t":true}'))
    # the payload
    for bad in (b"", b"[]", b"null", b"3", b'"x"', b"{", b'{"a":1}x', b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\xff"}',
                b'{"a":"\xed\xa0\x80"}', b"\xef\xbb\xbf{}", b'{"a":1,}', b"{\x00}", b'{"a":"\\udc00"}', b"\x00\x01\x02"):  # fmt: skip
        b.append(payload(bad))
    deep = lambda n: '{"a":' * n + "1" + "}" * n  # noqa: E731
    b += [payload(deep(64)), payload(deep(65)), payload(deep(3000)), payload('{"v":1,"x":' + "[" * 63 + "]" * 63 + "}")]
    b += [payload('{"v":1,"x":' + "[" * 64 + "]" * 64 + "}"), payload('{"v":1,"x":"' + "[" * 200 + '"}')]
    for text in ("{}", '{"a":null}', '{"a":"x"}', '{"a":[1,2]}', '{"a":{"b":{}}}', '{"a":"1e999"}', '{"a":" 1"}', '{"a":"01"}',
                 '{"a":""}', '{"time":5}', '{"time":{"a":1},"ts":[2]}', '{"items":{}}', '{"items":{"a":{"value":"x"}}}',
                 '{"deviceSecret":5}', '{"a":"٣"}'):  # fmt: skip
        b.append(payload(text))
    for text in ('{"a":1,"a":2}', '{"a":1,"a":"x","b":3}', '{"a.b":1,"a":{"b":2}}', '{"a":{"b":2},"a.b":1}', '{"":1}',
                 '{"a":{"":1}}', '{"a\\u0000b":1}', '{"\\u0061":"1.50"}', '{"a":true,"b":false}', '{"a":-0,"b":"-0.0"}',
                 '{"\\ud83d\\ude00":1}', '{"a":[{"b":1}],"c":2}', '{"items":5,"a":1}', '{"items":[1],"a":1}',
                 '{"time":"\\u0000","a":1}', '{"TIME":5,"a":1}', '{ "a" : 1 , "b" : { "c" : 2 } }'):  # fmt: skip
        b.append(payload(text))
    for n in (256, 257, 600):
        b += [payload('{"%s":1}' % ("m" * n)), payload('{"%s":{"%s":1}}' % ("m" * (n - 101), "n" * 100))]
    b += [payload('{"%s":1}' % ("é" * n)) for n in (128, 129)]
    b.append(payload('{"%s":"no number","a":1}' % ("m" * 600)))
    # devices
    for topic in (None, "null", "5", '""', '"/"', '"pk"', '"//dn/x"', '"/pk//x"', '"/sys//dn/x"', '"/sys/pk//x"', '"///"'):
        b.append(envelope_text(topic=topic))
    for topic in ("/pk/dn/update", "pk/dn/update", "/sys/pk/dn/thing/event/property/post", "sys/pk/dn/x", "/p k/d\\u0000n/x",
                  "/\\u001b[31mred/\\u009b2J/x", "/pk/%s/x" % ("d" * 253), "/pk/\\u4e2d\\u6587/x", "/pk/a\\nb\\tc/x",
                  "/Sys/pk/dn", "/pk/d\\\"n\\\\/x"):  # fmt: skip
        b.append(envelope_text(topic=f'"{topic}"'))
    b += [envelope_text(topic='"/pk/%s/x"' % ("d" * n)) for n in (254, 600, 70000)]
    # status
    for state in ("null", "1", '"Online"', '"ONLINE"', '""', '"online "', '"unknown"', "true", "[]"):
        b.append(envelope("status", '{"productKey":"p","deviceName":"d","status":%s}' % state, new(), NOW_S))
    b.append(envelope("status", '{"productKey":"p","deviceName":"d"}', new(), NOW_S))
    b.append(envelope("status", '{"productKey":"","deviceName":"d","status":"online"}', new(), NOW_S))
    b.append(envelope("status", '{"productKey":"p","status":"online"}', new(), NOW_S, "/as/mqtt/status//d"))
    for topic in ("/as/mqtt/status/p/d", "as/mqtt/status/p/d", "/p/d/x", "/sys/p/d/x"):
        b.append(envelope("status", '{"status":"online"}', new(), NOW_S, topic))
    b.append(status("p/" + "d" * 600, "online", new(), NOW_S))
    b.append(status("p/" + "d" * 254, "online", new(), NOW_S))
    # sizes
    b.append(envelope("upload", {"a": 1, "pad": "x" * 70000}, new(), NOW_S, "/pk/dn/x"))
    b.append(envelope("upload", {"pad": "x" * 70000}, new(), NOW_S, "/pk/dn/x"))
    exact = envelope_text()
    b.append(exact + b" " * (MIB - len(exact)))
    b.append(exact.replace(b"upload", b"UPLOAD") + b" " * (MIB - len(exact) + 1))
    b.append(b"x" * (MIB + 1))
    b.append(b"x" * (3 * MIB))
    b.append(payload("[" + "1," * 30000 + "1]"))
    return b


class Hostile(unittest.TestCase):
    maxDiff = None

    def check_all(self, db):
        rejects = db.check_rejects()
        db.check_info()
        db.check_log()
        db.check_small()
        db.check_verify()
        return rejects

    def test_every_reason_is_given_and_every_body_kept(self):
        bodies = []
        for i, body in enumerate(hostile_bodies()):
            bodies += [body, good(i)]
        db = Db(self)
        db.ingest(lines(bodies))
        rejects = self.check_all(db)
        words = {"too-long", "bad-base64", "bad-json", "no-messageid", "bad-messageid", "unknown-type", "bad-time",
                 "payload-not-json", "no-device", "bad-status", "no-numbers"}  # fmt: skip
        self.assertEqual({r["reason"] for r in rejects}, words)
        for row, want in zip(rejects, db.oracle.rejects):
            if len(want.body) == MIB and row["reason"] == "too-long":
                self.assertRegex(row["detail"], "1048577|3145728")
        db.ingest(lines(bodies))
        self.check_all(db)

    def test_the_same_bodies_in_base64_end_the_same_way(self):
        rng = rng_for("base64 bodies")
        bodies = [in_base64(body) for body in hostile_bodies() if len(body) < MIB // 2]
        bodies = [b" " + b.rstrip(b"=") if rng.random() < 0.5 else b for b in bodies]
        db = Db(self)
        db.ingest(lines(bodies))
        self.check_all(db)

    def test_random_damage_to_good_bodies(self):
        rng = rng_for("damage")
        # No secrets here: how far a damaged one is looked for is not the contract's.
        seeds = [body for body in hostile_bodies() if len(body) < 2000 and not holds_secret(body)]
        seeds += [status("p/d", "offline", 77, NOW_S, time="2020-09-13 20:26:40", lastTime="2020-09-13 20:26:00.123")] * 20
        seeds += [envelope("upload", {"items": {"t": {"value": 1.5, "time": NOW_MS}, "u": {"value": {"x": "2"}}},
                                      "gmtCreate": NOW_MS + 5}, 78, NOW_S, "/sys/p/d/x", raw=True)] * 20  # fmt: skip
        seeds += [envelope("upload", {"a": 1.25, "env": {"t": -3e2}, "ts": str(NOW_S)}, 79, NOW_S, "/p/d/x", raw=True)] * 20
        bodies = []
        for i in range(12000):
            body = bytearray(re.sub(rb'"messageid":[0-9]+', b'"messageid":%d' % (i + 1), rng.choice(seeds)))
            for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
                damage(rng, body)
            bodies.append(bytes(body).replace(b"\n", b" ").rstrip(b"\r"))
        db = Db(self)
        db.ingest(lines(bodies))
        self.check_all(db)

    def test_a_rejected_id_is_seen_and_its_redelivery_a_duplicate(self):
        db = Db(self)
        wrong = envelope("upload", {"v": "x"}, 42, NOW_S, "/pk/dn/u")
        right = envelope("upload", {"v": 1}, 42, NOW_S, "/pk/dn/u")
        db.ingest(lines([wrong, right, b"garbage!", b"garbage!", b"garbage!!"]))
        self.assertEqual((db.oracle.rejected, db.oracle.duplicates), (3, 2))
        self.check_all(db)
        self.assertEqual(db.query("seen", "42")[0]["seen"], True)

    def test_lines_end_as_they_like(self):
        db = Db(self)
        data = b"\r\n\n  \n\t\r\n" + good(1) + b"\r\n" + good(2) + b"\n\n\n " + good(3) + b" \r\n" + b"x!\r\n" + good(4)
        db.ingest(data)
        self.assertEqual((db.oracle.stored, db.oracle.rejected), (4, 1))
        self.check_all(db)
        db.ingest(b"")
        db.ingest(b"\n")
        self.check_all(db)


def damage(rng, body):
    at = rng.randrange(len(body) + 1)
    kind = rng.randrange(5)
    if kind == 0:
        del body[at : at + rng.randint(1, 4)]
    elif kind == 1 and at < len(body):
        body[at] = rng.randrange(256)
    elif kind == 2:
        body[at:at] = rng.choice((b'"', b"{", b"}", b",", b":", b"\\", b"0", b"\\u0000", b"\x00", b"\xc3", b" ", b"null", b"-"))
    elif kind == 3 and at < len(body):
        body[at:at] = body[at : at + rng.randint(1, 30)]
    elif kind == 4 and rng.random() < 0.2:
        del body[at:]
    if not body:
        body += b"x"


SECRET = "SeCrEt0123456789aBcD"


class Secrets(unittest.TestCase):
    """A deviceSecret never leaves: not in the kept body, in no layer, in no output."""

    def bodies(self):
        secret = {"deviceSecret": SECRET}
        return [
            envelope("upload", secret, 1, NOW_S, "/pk/dn/u"),
            envelope("upload", {"a": {"b": secret}, "c": [secret]}, 2, NOW_S, "/pk/dn/u"),
            envelope("lifecycle", {"x": 1, **secret}, 3, NOW_S, "/pk/dn/u"),
            in_base64(envelope("upload", {**secret, "v": 1}, 4, NOW_S, "nowhere")),
            envelope("upload", secret, 5, NOW_S, "/pk/dn/u", raw=True),
            envelope("upload", '{"deviceSecret":"%s"' % SECRET, 6, NOW_S, "/pk/dn/u"),
            envelope("upload", '{"deviceSecret":"%s"' % SECRET, 7, NOW_S, "/pk/dn/u", raw=True),
            envelope("upload", secret, 8, NOW_S, "/pk/dn/u")[:-1],
            in_base64(envelope("upload", secret, 9, NOW_S, "/pk/dn/u")[:-1]),
            b'{"deviceSecret":"%s"' % SECRET.encode(),
            envelope("upload", '{"deviceS\\u0065cret":"%s"}' % SECRET, 10, NOW_S, "/pk/dn/u"),
            envelope("upload", '{"deviceSecret":"x","deviceSecret":"%s"}' % SECRET, 11, NOW_S, "/pk/dn/u"),
            envelope("upload", '{"deviceSecret":"%s","deviceSecret":"x"}' % SECRET, 12, NOW_S, "/pk/dn/u"),
            b'{"deviceSecret":"%s","pad":"' % SECRET.encode() + b"x" * MIB + b'"}',
            envelope("status", {**secret, "status": "maybe", "productKey": "p", "deviceName": "d"}, 13, NOW_S),
        ]

    def layers(self, data):
        """Everything that can be decoded out of some bytes."""
        yield data
        for text in (data, *[p for p in (self.payload_of(data),) if p]):
            decoded = decode_base64(text)
            if decoded:
                yield decoded
                inner = self.payload_of(decoded)
                if inner:
                    yield inner
                    yield decode_base64(inner) or b""

    def payload_of(self, data):
        try:
            value = parse_json(data)["payload"]
        except (ValueError, KeyError, TypeError, AssertionError):
            return None
        return value.encode() if isinstance(value, str) else None

    def test_no_layer_of_any_kept_body_holds_a_secret(self):
        db = Db(self)
        bodies = self.bodies()
        result = run("mnsdb-ingest", "--db", db.path, "--summary", "json", "-", stdin=lines(bodies))
        self.assertEqual(result.code, 0, result)
        self.assertEqual(parse_json(result.out)["rejected"], str(len(bodies)))
        secret = SECRET.encode()
        rows = db.query("rejects")
        self.assertEqual(len(rows), len(bodies))
        for row, body in zip(rows, bodies):
            for layer in self.layers(base64.b64decode(row["body"])):
                self.assertNotIn(secret, layer, (body[:200], layer[:300]))
            self.assertNotIn(SECRET, row["detail"] or "")
        self.assertNotIn(secret, result.out + result.err)
        for file in db.path.iterdir():
            data = file.read_bytes()
            self.assertNotIn(secret, data, f"{file} holds the secret")
            for shift in range(3):
                encoded = base64.b64encode(b"\0" * shift + secret)[4 * (shift > 0) : 24]
                self.assertNotIn(encoded, data, f"{file} holds the secret in base64")

    def test_what_can_be_parsed_is_kept_but_for_the_secret(self):
        db = Db(self)
        body = envelope("upload", {"n": "kept", "deviceSecret": SECRET, "z": [1]}, 5, NOW_S, "/pk/dn/u")
        db.ingest(lines([body]))
        kept = parse_json(base64.b64decode(db.query("rejects")[0]["body"]))
        payload = parse_json(base64.b64decode(kept.pop("payload")))
        before = parse_json(body)
        before.pop("payload")
        self.assertEqual(kept, before)
        self.assertEqual(payload, {"n": "kept", "deviceSecret": "*" * len(SECRET), "z": ["1"]})

    def test_what_cannot_be_parsed_is_kept_as_stars_of_its_length(self):
        db = Db(self)
        body = b'{"deviceSecret":"%s"' % SECRET.encode()
        db.ingest(lines([body, in_base64(body)]))
        kept = [base64.b64decode(row["body"]) for row in db.query("rejects")]
        self.assertEqual(kept, [b"*" * len(body), b"*" * len(in_base64(body))])

    def test_a_masked_body_is_the_same_only_if_it_was_before_masking(self):
        db = Db(self)
        bodies = [b'{"deviceSecret":"%s"' % s for s in (b"aaaa", b"bbbb", b"aaaa")]
        got = db.ingest(lines(bodies))
        self.assertEqual((got["rejected"], got["duplicates"]), ("2", "1"))

    def test_a_secret_is_never_a_metric(self):
        db = Db(self)
        db.ingest(lines([
            envelope("upload", {"deviceSecret": "123456", "v": 1}, 1, NOW_S, "/pk/dn/u"),
            envelope("upload", '{"deviceSecret":123456,"w":{"deviceSecret":5,"x":2}}', 2, NOW_S, "/pk/dn/u"),
        ]))  # fmt: skip
        self.assertEqual([row["metric"] for row in db.query("metrics")], ["v", "w.x"])


class Terminals(unittest.TestCase):
    NAMES = ("\x1b[31mred\x1b[0m", "tab\there", "line\nbreak", "\r", "bell\x07", "\x9b2Jc1", "del\x7f", "nul\0x", "back\bspace",
             "\x1b]0;title\x07", "中文", "é", "‮right")  # fmt: skip

    @classmethod
    def setUpClass(cls):
        cls.db = Db(cls)
        bodies = []
        for i, name in enumerate(cls.NAMES):
            topic = f"/p{name}/d{name}/x"
            bodies.append(envelope("upload", {"m" + name: i}, 10 * i, NOW_S, topic))
            bodies.append(envelope("status", {"status": "online"}, 10 * i + 1, NOW_S, topic))
            bodies.append(envelope("status", {"status": name}, 10 * i + 2, NOW_S, topic))
            bodies.append(envelope(name, {"status": name}, 10 * i + 3, NOW_S, topic))
        bodies.append(b"\x1b[31m not json")
        cls.db.ingest(lines(bodies))

    COMMANDS = (("devices",), ("last",), ("log",), ("online",), ("sessions", "--to", "2021-01-01"), ("metrics",), ("rejects",),
                ("stats", "--by", "device"), ("stats", "--by", "product"), ("info",), ("verify",))  # fmt: skip

    def clean(self, data, allowed="\n"):
        text = data.decode("utf-8")
        bad = sorted({c for c in text if c not in allowed and (c < " " or "\x7f" <= c < "\xa0")})
        self.assertEqual(bad, [], text[:2000])

    def test_tables_hold_no_raw_control_characters(self):
        for command in self.COMMANDS:
            for form in ("table", "md"):
                with self.subTest(command=command, form=form):
                    result = self.db.run(*command, "--format", form)
                    self.assertEqual(result.code, 0, result)
                    self.clean(result.out)
                    self.clean(result.err)

    def test_json_gives_the_names_back_exactly(self):
        self.db.check_small()
        self.db.check_log()
        self.db.check_online()
        self.db.check_stats(by="device")
        for name in self.NAMES:
            self.db.check_online(harness.Selection(devices=(harness.escape_glob("d" + name),))) if "\0" not in name else None

    def test_tsv_has_one_line_a_row(self):
        for command in (("devices",), ("metrics",), ("rejects",), ("online",)):
            rows = self.db.query(*command)
            result = self.db.run(*command, "--format", "tsv")
            self.assertEqual(result.out.count(b"\n"), len(rows) + 1, result)
            columns = {line.count(b"\t") for line in result.out.splitlines()}
            self.assertEqual(len(columns), 1, result)

    def test_messages_on_stderr_hold_no_raw_control_characters(self):
        evil = "\x1b[31mevil\x07"
        for args in (("stats", evil), ("online", "--device", evil), ("online", "--from", evil), (evil,), ("stats", "--" + evil),
                     ("seen", evil), ("stats", "--every", evil), ("log", "--tz", evil), ("devices", "--order-by", evil)):  # fmt: skip
            with self.subTest(args=args):
                self.clean(self.db.run(*args).err)
        self.clean(run("mnsdb-ingest", "--db", self.db.path, "/nowhere/" + evil).err)
        self.clean(run("mnsdb", "devices", "--db", "/nowhere/" + evil).err)


class DamagedInput(unittest.TestCase):
    def setUp(self):
        self.data = lines(good(i) for i in range(30000))
        self.others = [reading("other/dn", {"v": i}, 5 * 10**15 + i, NOW_S) for i in range(100)]

    def check_prefix(self, db, at_least, exactly=None):
        rows = db.query("log", "--device", "pk/dn")
        self.assertEqual([r["messageid"] for r in rows], [str(10**15 + i) for i in range(len(rows))])
        self.assertGreaterEqual(len(rows), at_least)
        if exactly is not None:
            self.assertEqual(len(rows), exactly)

    def ingest_damaged(self, db, packed):
        result = run("mnsdb-ingest", "--db", db.path, "--summary", "json",
                     db.file(packed, "damaged"), db.file(lines(self.others), "other"))  # fmt: skip
        self.assertEqual(result.code, 1, result)
        self.assertIn(b"damaged", result.err)
        parse_json(result.out)
        self.assertEqual(len(db.query("log", "--device", "other/dn")), 100)
        db.check_verify()

    def test_whole_lines_before_the_end_of_a_cut_gzip_stay_in(self):
        packed = gzip.compress(self.data, 6)
        for part in (0.3, 0.9):
            cut = packed[: int(len(packed) * part)]
            whole = zlib.decompressobj(31).decompress(cut).count(b"\n")
            db = Db(self)
            self.ingest_damaged(db, cut)
            self.check_prefix(db, whole, whole)
            db.ingest(self.data, oracle=False)
            self.check_prefix(db, 30000, 30000)

    def test_whole_lines_before_the_end_of_a_cut_zstd_stay_in(self):
        packed = subprocess.run(["zstd", "-3", "-c"], input=self.data, capture_output=True, check=True).stdout
        cut = packed[: int(len(packed) * 0.8)]
        known = subprocess.run(["zstd", "-dc"], input=cut, capture_output=True).stdout
        db = Db(self)
        self.ingest_damaged(db, cut)
        self.check_prefix(db, known.count(b"\n") - 3000)

    def test_flipped_bytes_in_a_packed_set_are_reported(self):
        rng = rng_for("flipped")
        packers = (
            gzip.compress(self.data[: len(self.data) // 10], 6),
            subprocess.run(["zstd", "-3", "-c", "--check"], input=self.data[: len(self.data) // 10],
                           capture_output=True, check=True).stdout,
        )  # fmt: skip
        for packed in packers:
            for _ in range(5):
                bad = bytearray(packed)
                bad[rng.randrange(12, len(bad))] ^= 1 << rng.randrange(8)
                self.ingest_damaged(Db(self), bytes(bad))

    def test_empty_and_headless_packed_sets_are_reported(self):
        for packed in (b"\x1f\x8b", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\x00"):
            self.ingest_damaged(Db(self), packed)

    def test_an_input_that_cannot_be_opened_does_not_stop_the_others(self):
        db = Db(self)
        result = run("mnsdb-ingest", "--db", db.path, db.home / "nowhere.ndjson", db.file(self.data), db.home)
        self.assertEqual(result.code, 1, result)
        self.assertIn(b"nowhere.ndjson", result.err)
        self.check_prefix(db, 30000, 30000)

    def test_a_plain_set_cut_in_a_line_keeps_the_rest_as_a_reject(self):
        db = Db(self)
        db.ingest(self.data[:-20])
        self.assertEqual(db.oracle.rejected, 1)
        db.check_info()
        db.check_rejects()


if __name__ == "__main__":
    harness.main()
