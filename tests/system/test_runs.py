#!/usr/bin/env python3
"""Long runs of like messages with odd ones between, against the oracle, before and after merging.

Messages that look like the one before take shorter ways through the programs than others. A run
here is of one shape; its shape, where it ends, and the odd messages in it are random.
"""
import base64
import unittest

import harness
from harness import Db, compact, random_selection, rng_for, run, snowflake

BASE_MS = 1600000000000
MESSAGES = 1500 if harness.SANITIZED else 6000
MIB = 1 << 20
ALL_AGGS = ("count", "sum", "avg", "min", "max", "first", "last", "stddev", "median", "p95", "min_time", "twa")
MEMBERS = ("payload", "messagetype", "topic", "messageid", "timestamp")
TOPICS = ("/%s/u", "%s/u", "/sys/%s/u", "sys/%s", "/%s", "%s/")
ODD_NUMBERS = (
    "0", "-0", "0.0", "-0.0", "10", "1.50", "100000", "1e3", "1.5E-2", "1e18", "1e127", "1e-128", "1e-129", "1e300",
    "999999999999999999", "-999999999999999999", "1234567890123456789", "9999999999999999999", "0.123456789012345678",
    "1234567890123456", "123456789012345.6", "0.1234567890123456789", "true", "false", "null", "01", "1.", ".5", "+1",
    "1e999", "NaN", '"12.5"', '" 1"', '"1e999"', "[1]", '{"x":1}', "{}",
)  # fmt: skip
ODD_IDS = ("null", "-1", "1.0", "1e3", "0012", '"0012"', "18446744073709551616", "18446744073709551615", '"1\\u0032"', "true")
ODD_TIMES = ("null", "631151999", "631152000", "4102444800", "1600000000.0", '"1600000000"', "16e8", "01600000000")
ODD_TOPICS = ("", "/", "/pk", "//pk/dn", "/pk//dn", "/sys/pk", "/p\\u006b/dn/u", "\\/pk\\/dn", "x/" + "y" * 255, "x/" + "y" * 254)


class Shape:
    """What the messages of a run have in common."""

    def __init__(self, rng, names, devices):
        self.rng = rng
        self.members = rng.sample(MEMBERS, 5) if rng.random() < 0.3 else MEMBERS
        self.metrics = rng.sample(names, rng.choice((1, 1, 2, 2, 3, 8)))
        self.devices = devices if rng.random() < 0.7 else devices[:1]
        self.number = rng.choice((lambda: f"{rng.uniform(-9, 99):.2f}", lambda: str(rng.randint(0, 60)),
                                  lambda: str(rng.randint(-(10**18), 10**18)), lambda: repr(rng.uniform(-1, 1) * 1e9),
                                  lambda: f"{rng.uniform(0, 9):.{rng.randint(0, 17)}f}", lambda: "5"))  # fmt: skip
        self.topic = TOPICS[0] if rng.random() < 0.6 else rng.choice(TOPICS)
        self.blank = rng.choice(("", "", "", "", " ", "\t "))
        self.quoted_id = rng.random() < 0.2
        self.id_kind = rng.randrange(4)
        self.status = rng.choice((0, 0, 0.05, 1))
        self.time_name = rng.choice((None, None, "time", "ts"))
        self.odd = rng.choice((0, 0, 0.02, 0.4))
        self.as_base64 = rng.choice((0, 0, 0, 0.1, 1))
        self.pad_to = rng.choice((0, 0, 0, 510, 1100))

    def is_odd(self):
        return self.rng.random() < self.odd

    def message_id(self, ms, sequence):
        rng = self.rng
        kinds = (snowflake(ms, 0, sequence % 4096), rng.getrandbits(64), sequence, snowflake(ms, rng.getrandbits(10), rng.getrandbits(12)))
        number = kinds[self.id_kind]
        return f'"{number}"' if self.quoted_id else str(number)

    def object(self, pairs):
        blank = self.blank
        inside = f"{blank},{blank}".join(f'"{name}"{blank}:{blank}{value}' for name, value in pairs)
        return blank + "{" + blank + inside + blank + "}" + blank

    def readings(self, ms):
        rng = self.rng
        pairs = [(name, rng.choice(ODD_NUMBERS) if self.is_odd() else self.number()) for name in self.metrics]
        if self.time_name:
            pairs.insert(rng.choice((0, len(pairs))), (self.time_name, str(ms - 5000)))
        if self.is_odd():
            pairs.append(rng.choice((rng.choice(pairs), ("x", '"s"'), ("deviceSecret", '"s"'), ("n" * rng.randint(50, 66), "1"),
                                     ("n" * 256, "1"), ("n" * 257, "1"), ("a\\u0062", "1"), ("a.b", "1"))))  # fmt: skip
        if self.is_odd():
            rng.shuffle(pairs)
        return self.object(pairs)

    def event(self, ms, device):
        rng = self.rng
        product, _, name = device.partition("/")
        pairs = [("lastTime", str(ms - rng.choice((14, 999, 1001, 5000)))), ("time", str(ms)), ("productKey", f'"{product}"'),
                 ("deviceName", f'"{name}"'), ("status", rng.choice(('"online"', '"offline"')))]  # fmt: skip
        if self.is_odd():
            pairs[rng.randrange(5)] = rng.choice((("status", '"x"'), ("utcTime", '"2020-09-13 12:00"'), ("extra", "{}"), ("time", "null")))
        return self.object(pairs)

    def payload(self, text):
        rng = self.rng
        out = base64.b64encode(text.encode()).decode()
        if self.is_odd():
            at = rng.randrange(len(out))
            out = rng.choice((out.rstrip("="), out.replace("+", "-").replace("/", "_"), out[:at] + " \\n" + out[at:],
                              out[:at] + "*" + out[at + 1 :], out + "=", out.replace("/", "\\/")))  # fmt: skip
        return f'"{out}"'

    def message(self, ms, sequence):
        rng = self.rng
        device = rng.choice(self.devices)
        is_event = rng.random() < self.status
        values = {
            "payload": self.payload(self.event(ms, device) if is_event else self.readings(ms)),
            "messagetype": '"status"' if is_event else '"upload"',
            "topic": '"%s"' % (rng.choice(ODD_TOPICS) if self.is_odd() else self.topic % device),
            "messageid": rng.choice(ODD_IDS) if self.is_odd() else self.message_id(ms, sequence),
            "timestamp": rng.choice(ODD_TIMES) if self.is_odd() else str(ms // 1000),
        }
        pairs = [(name, values[name]) for name in self.members]
        if self.is_odd():
            at = rng.randrange(len(pairs))
            pairs[at : at + rng.randint(0, 1)] = rng.choice(([], [pairs[0]], [("extra", '"%s"' % ("z" * rng.randint(0, 600)))], [("topic", "null")]))
        body = self.object(pairs).encode()
        body = body[:-1] + b" " * (self.pad_to - len(body)) + body[-1:]
        if rng.random() < self.as_base64:
            body = rng.choice((base64.b64encode, base64.urlsafe_b64encode))(body)
        return body


def make_bodies(rng):
    names = ["temperature", "humidity", *("m%d" % i for i in range(9)), *("m" * n for n in (31, 32, 47, 48, 49, 60, 64, 65, 200))]
    devices = [f"pk/{i:03d}" + "d" * rng.choice((0, 0, 24, 25, 26, 27, 41, 42, 43, 57, 58, 200)) for i in range(40)]
    step = rng.choice((1, 50, 4000))
    bodies = []
    while len(bodies) < MESSAGES:
        shape = Shape(rng, names, devices)
        for _ in range(rng.choice((1, 3, 40, 400, 1500))):
            ms = BASE_MS + len(bodies) * step + rng.choice((0, 0, 0, -1000, 86400000))
            bodies.append(shape.message(ms, len(bodies)))
            if rng.random() < 0.02:
                bodies.append(rng.choice(bodies[-300:]))
    bodies.append(b"{}")  # one at least is rejected, however few there are
    return bodies


class Runs(unittest.TestCase):
    def check_all(self, db, rng):
        db.check_info()
        db.check_rejects()
        db.check_stats(aggs=ALL_AGGS, by="device")
        db.check_stats(aggs=ALL_AGGS, sel=random_selection(rng, db.oracle))
        db.check_stats(every=rng.choice(("15m", "1h", "1d")), zone=rng.choice(("UTC", "+05:45", "America/New_York")))
        db.check_log(random_selection(rng, db.oracle))
        db.check_online(random_selection(rng, db.oracle))
        db.check_last(sel=random_selection(rng, db.oracle))
        db.check_verify()

    def check_runs(self, name, line_break, threads):
        rng = rng_for(name)
        db = Db(self)
        db.args += ["--threads", threads]
        bodies = make_bodies(rng)
        rest = len(bodies) * 2 // 3
        db.ingest(line_break.join(bodies[:rest]))  # the last line without line break
        db.ingest(line_break.join(bodies[rest - 500 :]) + line_break)
        self.assertGreater(db.oracle.stored, MESSAGES // 4)
        self.assertGreater(db.oracle.rejected, 0)
        self.check_all(db, rng)
        settled = run("mnsdb-ingest", "--db", db.path, "--settle")
        self.assertEqual(settled.code, 0, settled)
        self.check_all(db, rng)

    def test_runs_by_one_thread(self):
        self.check_runs("one", b"\n", "1")

    def test_runs_by_three_threads(self):
        self.check_runs("three", b"\n", "3")

    def test_runs_of_lines_with_cr_lf(self):
        self.check_runs("crlf", b"\r\n", "2")

    def test_runs_with_blank_lines(self):
        self.check_runs("blank", b"\n \t\n\n", "2")

    def test_plain_lines_around_a_mebibyte(self):
        payload = base64.b64encode(b'{"v":1.5}').decode()
        one = {"payload": payload, "messagetype": "upload", "topic": "/p/d/u", "messageid": 1, "timestamp": BASE_MS // 1000}
        bodies = []
        for size in (MIB - 1, MIB, MIB + 1, MIB + 2, MIB + 600, 2 * MIB, 2 * MIB + 1):
            for place in (b'{"p', b',"messagetype', b'/u"', b"}"):
                one["messageid"] += 1
                short = compact(one).encode()
                at = short.index(place)
                filler = b"/" if place == b'/u"' else b" "
                bodies.append(short[:at] + filler * (size - len(short)) + short[at:])
                for _ in range(3):  # and plain ones behind, whose shape is that of before
                    one["messageid"] += 1
                    bodies.append(compact(one).encode())
        for line_break in (b"\n", b"\r\n"):
            db = Db(self)
            db.ingest(line_break.join(bodies) + line_break)
            self.assertEqual(db.oracle.rejected, 5 * 4)
            db.check_small()


if __name__ == "__main__":
    harness.main()
