#!/usr/bin/env python3
"""Hand-computed cases for the oracle itself: python3 tests/oracle/test_oracle.py"""
import base64
import json
import os
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from oracle import answers, clock, number, stats, strict_json, timeline  # noqa: E402
from oracle.answers import Selection, Time  # noqa: E402
from oracle.decode import Event, Options, decode_base64, decode_body  # noqa: E402
from oracle.globs import device_matches  # noqa: E402
from oracle.store import Store  # noqa: E402

WALKTHROUGH = [
    (
        "status",
        None,
        996631012001751041,
        1526450324,
        '{"lastTime":"2018-05-16 13:58:44.413","clientIp":"","time":"2018-05-16 13:58:44.427",'
        '"productKey":"a1jnUEKYhw4","deviceName":"suw8umOqgJ72yCADerZp","status":"online"}',
    ),
    (
        "upload",
        "/a1jnUEKYhw4/suw8umOqgJ72yCADerZp/update",
        996631053735047169,
        1526450334,
        '{"temperature":14,"humidity":116}',
    ),
    (
        "status",
        None,
        996631134240534528,
        1526450353,
        '{"lastTime":"2018-05-16 13:59:04.381","time":"2018-05-16 13:59:13.571",'
        '"productKey":"a1jnUEKYhw4","deviceName":"suw8umOqgJ72yCADerZp","status":"offline"}',
    ),
]


def body(kind, topic, messageid, timestamp, payload):
    out = {"payload": base64.b64encode(payload.encode()).decode(), "messagetype": kind}
    if topic is not None:
        out["topic"] = topic
    out.update(messageid=messageid, timestamp=timestamp)
    return json.dumps(out).encode()


def upload(payload, messageid=7, timestamp=1600000000, topic="/pk/dn/update", options=Options()):
    return decode_body(body("upload", topic, messageid, timestamp, payload), options)


def status(payload, messageid=7, timestamp=1600000000, topic="/as/mqtt/status/pk/dn"):
    return decode_body(body("status", topic, messageid, timestamp, payload))


def event(ms, state, contact=None, messageid=0):
    return Event("pk/dn", ms, messageid, "payload", False, state, contact)


class WorkedExample(unittest.TestCase):
    def setUp(self):
        self.store = Store()
        self.data = b"\n".join(body(*one) for one in WALKTHROUGH) + b"\n"
        self.first = self.store.ingest(self.data)
        self.second = self.store.ingest(self.data)

    def test_each_message_counts_once(self):
        self.assertEqual((self.first["stored"], self.first["duplicates"]), (3, 0))
        self.assertEqual((self.second["stored"], self.second["duplicates"]), (0, 3))

    def test_the_reading_takes_the_ids_millisecond(self):
        (row,) = self.store.rows
        self.assertEqual(clock.rfc3339(row.time_ms, clock.timezone.utc), "2018-05-16T05:58:54.377Z")
        self.assertEqual(row.source, "messageid")
        stats_row = answers.stats_rows(self.store)[0]
        self.assertEqual(stats_row["temperature_min"], "14")
        self.assertEqual(stats_row["humidity_avg"], 116.0)

    def test_online_durations(self):
        (row,) = answers.online_rows(self.store)
        self.assertEqual((row["online_ms"], row["offline_ms"], row["unknown_ms"]), (29144, 0, 0))
        self.assertEqual((row["sessions"], row["state"]), (1, "offline"))
        since = clock.rfc3339(row["state_since"].ms, clock.timezone.utc)
        self.assertEqual(since, "2018-05-16T05:59:13.571Z")
        (row,) = answers.online_rows(self.store, offline_at="last-contact")
        self.assertEqual((row["online_ms"], row["offline_ms"]), (19954, 9190))


class Json(unittest.TestCase):
    def refused(self, text):
        with self.assertRaises(strict_json.Refused):
            strict_json.parse_bytes(text if isinstance(text, bytes) else text.encode())

    def test_what_rfc_8259_refuses(self):
        for text in (
            "NaN", "[Infinity]", "[-Infinity]", "[1e999]", '["\\ud800"]', '{"\\udc00":1}',
            '{"a":"\\ud800","a":1}', "{} x", "01", "[1.]", "[+1]", "['a']", "[1,]", "", "\ufeff{}",
            '["\t"]', b'["\xff"]', b'["\xc0\xaf"]', b'["\xed\xa0\x80"]', "[.5]", "[0x1]", "tru",
        ):  # fmt: skip
            with self.subTest(text=text):
                self.refused(text)

    def test_depth_64_is_taken_and_65_refused(self):
        strict_json.parse_text("[" * 64 + "]" * 64)
        self.refused("[" * 65 + "]" * 65)
        strict_json.parse_text('["' + "[" * 100 + '"]')
        self.refused("[" * 100000)

    def test_the_last_of_equal_names_counts_and_stands_last(self):
        got = strict_json.parse_text('{"a":1,"b":2,"a":3}')
        self.assertEqual(list(got.items()), [("b", "2"), ("a", "3")])

    def test_pairs_and_escapes(self):
        self.assertEqual(strict_json.parse_text('["\\ud83d\\ude00\\u0000"]'), ["\U0001f600\0"])


class Base64(unittest.TestCase):
    def test_forms(self):
        for text, want in (
            (b"QUJD", b"ABC"), (b"QUI=", b"AB"), (b"QUI", b"AB"), (b"QQ", b"A"), (b"Q Q\t=\r\n=", b"A"),
            (b"-_-_", b"\xfb\xff\xbf"), (b"+/+/", b"\xfb\xff\xbf"), (b"", b""),
            (b"=", None), (b"====", None), (b"QUJDR", None), (b"QU=JD", None), (b"Q!JD", None),
        ):  # fmt: skip
            with self.subTest(text=text):
                self.assertEqual(decode_base64(text), want)


class Numbers(unittest.TestCase):
    def test_exact_decimals(self):
        for text, want in (
            ("19.98", (1998, -2)), ("19.80", (198, -1)), ("-0", (0, 0)), ("-0.0e5", (0, 0)),
            ("1000", (1, 3)), ("1e127", (1, 127)), ("1e-128", (1, -128)), ("-12e-3", (-12, -3)),
            ("123456789012345678", (123456789012345678, 0)), ("0e999999999999", (0, 0)),
            ("1234567890123456780", (123456789012345678, 1)), ("0.00120", (12, -4)),
        ):  # fmt: skip
            with self.subTest(text=text):
                got = number.value_of_text(text)
                self.assertEqual((got.mantissa, got.exponent, got.double), (*want, None))

    def test_others_are_the_nearest_double(self):
        for text in ("1234567890123456789", "1e128", "1e-129", "0.1234567890123456789"):
            self.assertEqual(number.value_of_text(text).double, float(text))

    def test_plain_notation(self):
        self.assertEqual(number.plain(Fraction(-1998, 100)), "-19.98")
        self.assertEqual(number.plain(Fraction(1, 8)), "0.125")
        self.assertEqual(number.plain(Fraction(10) ** 20), "1" + "0" * 20)
        self.assertEqual(number.plain(Fraction(0)), "0")

    def test_square_roots_are_correctly_rounded(self):
        self.assertEqual(number.nearest_sqrt(Fraction(2)), 2**0.5)
        self.assertEqual(number.nearest_sqrt(Fraction(9, 4)), 1.5)
        self.assertEqual(number.nearest_sqrt(Fraction(10) ** 300), 1e150)
        self.assertEqual(number.nearest_sqrt(Fraction(1, 10**300)), 1e-150)


class Readings(unittest.TestCase):
    def values(self, payload, **kw):
        (row,) = upload(payload, **kw).rows
        return {k: number.plain(v.fraction()) for k, v in row.values.items()}

    def test_custom_payload(self):
        got = self.values(
            '{"a":1,"b":true,"c":"2.50","d":" 3","e":null,"f":[1],"env":{"t":4,"x":{"y":-0}},'
            '"time":"2020-09-13 20:26:40","ts":{"z":1},"deviceSecret":"123","g":"1e999","h":"x"}'
        )
        self.assertEqual(got, {"a": "1", "b": "1", "c": "2.5", "env.t": "4", "env.x.y": "0"})

    def test_the_last_of_equal_metric_names_counts(self):
        self.assertEqual(self.values('{"e.t":1,"e":{"t":2}}'), {"e.t": "2"})
        self.assertEqual(self.values('{"e":{"t":2},"e.t":1}'), {"e.t": "1"})
        self.assertEqual(self.values('{"e":{"t":1},"e.t":2,"e":{"t":3}}'), {"e.t": "3"})
        self.assertEqual(self.values('{"a":1,"a":"x","b":1}'), {"b": "1"})

    def test_thing_model_rows_by_time(self):
        got = upload(
            '{"gmtCreate":1600000003000,"items":{"a":{"value":1,"time":1600000001000},'
            '"b":{"value":{"x":2,"y":"s"},"time":1600000002000},"c":{"value":3},'
            '"d":{"value":"text","time":1600000004000},"e":{"value":5,"time":"1600000001"}}}'
        )
        rows = [(r.time_ms, sorted(r.values)) for r in got.rows]
        self.assertEqual(
            rows, [(1600000001000, ["a", "e"]), (1600000002000, ["b.x"]), (1600000003000, ["c"])]
        )

    def test_reasons(self):
        def reason(raw):
            return decode_body(raw).reason

        good = body("upload", "/pk/dn/u", 7, 1600000000, '{"a":1}')
        self.assertEqual(reason(b" " * (1 << 20) + good), "too-long")
        self.assertEqual(reason(b"hello world!"), "bad-base64")
        self.assertEqual(reason(b"{"), "bad-json")
        self.assertEqual(reason(base64.b64encode(b"[1]")), "bad-json")
        for old, new, want in (
            (b'"messageid"', b'"MessageId"', "no-messageid"),
            (b'"messageid": 7', b'"messageid": null', "bad-messageid"),
            (b'"messageid": 7', b'"messageid": 18446744073709551616', "bad-messageid"),
            (b'"messageid": 7', b'"messageid": 7.0', "bad-messageid"),
            (b'"messageid": 7', b'"messageid": "07"', "bad-messageid"),
            (b'"upload"', b'"Upload"', "unknown-type"),
            (b"1600000000", b"631151999", "bad-time"),
            (b"1600000000", b'"1600000000"', "bad-time"),
            (b'"payload": "', b'"payload": "!', "bad-base64"),
            (b'"payload"', b'"payloat"', "payload-not-json"),
            (b"/pk/dn/u", b"/pk//u", "no-device"),
            (b"/pk/dn/u", b"/pk/" + b"d" * 254 + b"/u", "too-long"),
        ):
            with self.subTest(new=new[:40]):
                self.assertEqual(reason(good.replace(old, new)), want)
        self.assertEqual(upload('{"a":"x"}').reason, "no-numbers")
        self.assertEqual(upload('{"%s":1}' % ("m" * 257)).reason, "too-long")
        self.assertEqual(status('{"status":"Online"}').reason, "bad-status")

    def test_ids_up_to_the_largest(self):
        for text in ('"18446744073709551615"', "18446744073709551615"):
            raw = body("upload", "/pk/dn/u", 7, 1600000000, '{"a":1}')
            got = decode_body(raw.replace(b'"messageid": 7', b'"messageid": ' + text.encode()))
            self.assertEqual(got.messageid, 2**64 - 1)

    def test_devices_of_topics(self):
        for topic in ("/pk/dn/u", "pk/dn/u", "/sys/pk/dn/thing", "sys/pk/dn/thing"):
            self.assertEqual(upload('{"a":1}', topic=topic).rows[0].device, "pk/dn")
        for topic in ("/as/mqtt/status/pk/dn", "as/mqtt/status/pk/dn", "/pk/dn/x"):
            self.assertEqual(status('{"status":"online"}', topic=topic).event.device, "pk/dn")


class Times(unittest.TestCase):
    def row(self, payload, **kw):
        (row,) = upload(payload, **kw).rows
        return row.time_ms, row.source, row.fault

    def test_forms(self):
        ms = 1600000000000
        for text in (
            "1600000000", "1600000000000", '"1600000000"', '"2020-09-13 20:26:40"',
            '"2020-09-13T20:26:40.0009"', '" 2020-09-13T12:26:40 .000Z "',
            '"2020-09-13 14:26:40+02:00"',
        ):  # fmt: skip
            with self.subTest(text=text):
                self.assertEqual(self.row('{"a":1,"time":%s}' % text), (ms, "payload", False))

    def test_broken_clocks_give_way_and_are_counted(self):
        base = 1600000000000
        self.assertEqual(self.row('{"a":1,"time":12345}'), (base, "envelope", True))
        self.assertEqual(self.row('{"a":1,"time":"12345"}'), (base, "envelope", True))
        self.assertEqual(self.row('{"a":1,"time":"soon"}'), (base, "envelope", False))
        self.assertEqual(self.row('{"a":1,"time":"1989-12-31 23:59Z"}'), (base, "envelope", True))
        self.assertEqual(self.row('{"a":1,"time":"1990-01-01 00:00Z"}')[1], "payload")
        late = base + 86400000
        self.assertEqual(self.row('{"a":1,"time":%d}' % late), (late, "payload", False))
        self.assertEqual(self.row('{"a":1,"time":%d}' % (late + 1)), (base, "envelope", True))
        self.assertEqual(
            self.row('{"a":1,"time":1,"ts":1600000001}'), (1600000001000, "payload", True)
        )

    def test_a_snowflake_within_ten_minutes_gives_the_millisecond(self):
        ms = 1600000600000
        near = (ms - 1288834974657) << 22
        self.assertEqual(self.row('{"a":1}', messageid=near), (ms, "messageid", False))
        far = (ms + 1 - 1288834974657) << 22
        self.assertEqual(self.row('{"a":1}', messageid=far), (1600000000000, "envelope", False))

    def test_the_payload_zone_in_gaps_and_doubled_hours(self):
        berlin = clock.zone_of("Europe/Berlin")
        read = clock.read_text_time
        self.assertEqual(read("2021-03-28 02:30", berlin), read("2021-03-28 00:30Z", berlin))
        self.assertEqual(read("2021-10-31 02:30", berlin), read("2021-10-31 00:30Z", berlin))

    def test_utc_members_and_last_contact(self):
        got = status(
            '{"status":"offline","utcTime":"2020-09-13 12:26:40","time":"2020-09-13 20:00:00",'
            '"utcLastTime":"never","lastTime":"2020-09-13 20:26:00"}'
        ).event
        self.assertEqual((got.time_ms, got.last_contact), (1600000000000, 1599999960000))


class Timelines(unittest.TestCase):
    def test_repeats_and_no_change(self):
        line = timeline.build([event(10, "offline"), event(20, "online"), event(30, "online"),
                               event(50, "offline"), event(60, "offline")])  # fmt: skip
        self.assertEqual([(s.start, s.end, s.repeats) for s in line.sessions], [(20, 50, 1)])
        self.assertEqual(line.durations(0, 100), {"unknown": 10, "offline": 60, "online": 30})
        self.assertEqual(line.at(50), ("offline", 50))
        self.assertEqual(line.at(49), ("online", 20))

    def test_stale_offline_by_more_than_a_second(self):
        history = [event(5000, "online"), event(9000, "offline", 3999)]
        self.assertEqual(timeline.build(history).stale, [9000])
        self.assertIsNone(timeline.build(history).sessions[0].end)
        self.assertEqual(timeline.build(history, keep_stale=True).sessions[0].end, 9000)
        history[1] = event(9000, "offline", 4000)
        self.assertEqual(timeline.build(history).sessions[0].end, 9000)

    def test_stale_counts_whatever_the_state(self):
        line = timeline.build(
            [event(5000, "online"), event(6000, "offline"), event(9000, "offline", 100)]
        )
        self.assertEqual(line.stale, [9000])

    def test_last_contact_ends(self):
        for contact, end in ((5500, 5500), (4500, 5000), (99999, 9000), (None, 9000)):
            line = timeline.build(
                [event(5000, "online"), event(9000, "offline", contact)], offline_at="last-contact"
            )
            self.assertEqual(line.sessions[0].end, end)

    def test_zero_length_sessions_count_where_they_lie(self):
        line = timeline.build([event(50, "online"), event(50, "offline")])
        session = line.sessions[0]
        self.assertTrue(session.meets(50, 60))
        self.assertFalse(session.meets(40, 50))
        self.assertFalse(session.meets(51, 60))


class Buckets(unittest.TestCase):
    def test_elapsed_from_local_midnight(self):
        grid = clock.Grid("7h", clock.zone_of("+05:30"))
        midnight = clock.day_start(clock.date(2020, 1, 1).toordinal(), grid.zone)
        got = [(s - midnight) // 3600000 for s, _ in grid.buckets(midnight, midnight + 86400000)]
        self.assertEqual(got, [0, 7, 14, 21])

    def test_days_over_dst(self):
        berlin = clock.zone_of("Europe/Berlin")
        for day, hours in ((clock.date(2021, 3, 28), 23), (clock.date(2021, 10, 31), 25)):
            start = clock.day_start(day.toordinal(), berlin)
            self.assertEqual(clock.Grid("1d", berlin).bucket(start)[1] - start, hours * 3600000)
            self.assertEqual(len(clock.Grid("1h", berlin).buckets(start, start + hours * 3600000)), hours)

    def test_a_skipped_midnight_is_the_first_instant_after(self):
        zone = clock.zone_of("America/Sao_Paulo")
        start = clock.day_start(clock.date(2018, 11, 4).toordinal(), zone)
        self.assertEqual(clock.rfc3339(start, zone), "2018-11-04T01:00:00.000-02:00")

    def test_calendar_origins(self):
        utc = clock.timezone.utc
        ms = clock.plain_ms(clock.datetime(2018, 5, 16, 12))
        text = lambda every: clock.rfc3339(clock.Grid(every, utc).bucket(ms)[0], utc)[:10]  # noqa
        self.assertEqual(text("1w"), "2018-05-14")
        self.assertEqual(text("1mo"), "2018-05-01")
        self.assertEqual(text("7mo"), "2017-11-01")
        self.assertEqual(text("2d"), "2018-05-15")


class Aggregates(unittest.TestCase):
    def group(self, *texts, hold=0):
        return stats.Group(
            [stats.Sample(i, i, "pk/dn", number.value_of_text(t), hold) for i, t in enumerate(texts)]
        )

    def test_by_hand(self):
        g = self.group("1", "2.5", "4", "-0.5")
        want = dict(count=4, sum="7", avg=1.75, min="-0.5", max="4", first="1", last="-0.5",
                    spread="4.5", median="1.75", p25="0.625", p0="-0.5", p100="4",
                    max_time=Time(2), min_time=Time(3), twa=1.75)  # fmt: skip
        for agg, value in want.items():
            self.assertEqual(g.aggregate(agg), value, agg)
        self.assertEqual(self.group("1", "2").aggregate("stddev"), 0.5**0.5)
        self.assertIsNone(self.group("1").aggregate("stddev"))
        self.assertEqual(self.group("0.1", "0.2").aggregate("sum"), "0.3")
        self.assertIsNone(self.group().aggregate("min"))
        self.assertIsNone(self.group("1.7e308", "1.7e308").aggregate("sum"))

    def test_time_weighted_by_hand(self):
        store = Store()
        for i, (at, v) in enumerate(((0, 10), (10, 20), (40, 0))):
            store.take(body("upload", "/pk/dn/u", i, 1600000000,
                            '{"v":%d,"time":%d}' % (v, 1600000000000 + at)))  # fmt: skip
        sel = Selection(to_ms=1600000000100)
        (row,) = answers.stats_rows(store, ["v"], ["twa"], sel)
        self.assertEqual(row["v_twa"], 7.0)
        (row,) = answers.stats_rows(store, ["v"], ["twa"])
        self.assertEqual(row["v_twa"], 17.5)

    def test_fill(self):
        store = Store()
        for i, (minute, v) in enumerate(((0, 10), (3, 40))):
            store.take(body("upload", "/pk/dn/u", i, 1600000000,
                            '{"v":%d,"time":%d}' % (v, 1600000020000 + minute * 60000)))  # fmt: skip
        sel = Selection(1599999960000 + 60000, 1600000020000 + 300000)

        def column(fill):
            return answers.stats_rows(store, ["v"], ["count", "max"], sel, "1m", None, fill)

        self.assertEqual([r["v_count"] for r in column("null")], [1, 0, 0, 1, 0])
        self.assertEqual([r["v_max"] for r in column("zero")], ["10", "0", "0", "40", "0"])
        self.assertEqual([r["v_max"] for r in column("prev")], ["10", "10", "10", "40", "40"])
        linear = [getattr(r["v_max"], "double", r["v_max"]) for r in column("linear")]
        self.assertEqual(linear, ["10", 20.0, 30.0, "40", None])


class Selecting(unittest.TestCase):
    def test_globs(self):
        for glob, name, want in (
            ("pk/d*", "pk/dn", True), ("d?", "pk/dn", True), ("*", "pk/a/b", True), ("dn", "pk/dn2", False),
            ("[a-d]n", "pk/dn", True), ("[!a-d]n", "pk/dn", False), ("d\\*", "pk/d*", True), ("d\\*", "pk/dn", False),
            ("D*", "pk/dn", False), ("p", "pk/dn", False),
        ):  # fmt: skip
            with self.subTest(glob=glob, name=name):
                self.assertEqual(device_matches(glob, name), want)


if __name__ == "__main__":
    unittest.main()
