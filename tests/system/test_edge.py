#!/usr/bin/env python3
"""The ends of what a store may hold: nothing, one row, a million in a millisecond, very wide, huge ids."""
import base64
import unittest

import harness
from harness import Db, Selection, envelope, lines, reading, rng_for, status

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
TOP = 2**64 - 1


class Edge(unittest.TestCase):
    def test_one_row(self):
        db = Db(self)
        db.ingest(lines([reading("p/d", {"v": -0.0, "time": NOW_MS}, TOP, NOW_S)]))
        aggs = ("count", "sum", "avg", "min", "max", "first", "last", "spread", "stddev", "median", "min_time", "max_time", "twa", "p100")
        db.check_stats(aggs=aggs)
        db.check_stats(aggs=aggs, every="1mo", by="product")
        db.check_stats(aggs=aggs, every="1h", fill="prev")
        db.check_online()
        db.check_sessions()
        db.check_log()
        db.check_last()
        db.check_small()
        db.check_verify()

    def test_one_event(self):
        for state in ("online", "offline"):
            db = Db(self)
            db.ingest(lines([status("p/d", state, 0, NOW_S, time=NOW_MS)]))
            db.check_online()
            db.check_online(Selection(NOW_MS - 5, NOW_MS + 5))
            db.check_online(Selection(NOW_MS, NOW_MS + 5), "1h")
            db.check_sessions(Selection(NOW_MS, NOW_MS + 5))
            db.check_last()
            db.check_log()
            db.check_small()

    def test_a_million_rows_in_one_millisecond(self):
        count = 1000000
        payloads = [base64.b64encode(b'{"v":%d.%d,"time":%d}' % (i // 10, i % 10, NOW_MS)) for i in range(1000)]
        one = b'{"payload":"%s","messagetype":"upload","topic":"/p/d%d/u","messageid":%d,"timestamp":1600000000}\n'
        data = b"".join(one % (payloads[i * 7 % 1000], i % 2, 10**12 + i * 3) for i in range(count))
        db = Db(self)
        got = db.ingest(data, oracle=False)
        self.assertEqual((got["stored"], got["duplicates"], got["rejected"]), (str(count), "0", "0"))
        args = ("v", "--agg", "count,sum,min,max,first,last,avg,twa,median,p99,min_time")
        (row,) = db.query("stats", *args)
        self.assertEqual(row.pop("v_min_time"), "2020-09-13T12:26:40.000Z")
        last = (count - 1) * 7 % 1000 / 10
        want = {"v_count": count, "v_sum": 49950000, "v_min": 0, "v_max": 99.9, "v_first": 0, "v_last": last,
                "v_avg": 49.95, "v_twa": 49.95, "v_median": 49.95, "v_p99": 98.901}  # fmt: skip
        self.assertEqual({k: float(v) for k, v in row.items()}, want)
        rows = db.query("stats", "v", "--agg", "count", "--by", "device", "--every", "1s")
        self.assertEqual([r["v_count"] for r in rows], [str(count // 2)] * 2)
        rows = db.query("log", "--limit", "5")
        self.assertEqual([r["messageid"] for r in rows], [str(10**12 + i * 3) for i in range(5)])
        again = db.ingest(data[: len(data) // 20], oracle=False)
        self.assertEqual(again["stored"], "0")
        rows = db.query("seen", str(10**12 + 3 * count - 3), str(10**12 + 1), want_code=1)
        self.assertEqual([r["seen"] for r in rows], [True, False])
        db.check_verify()

    def test_a_hundred_thousand_devices_with_one_row_each(self):
        count = 100000
        rng = rng_for("wide")
        order = list(range(count))
        rng.shuffle(order)
        db = Db(self)
        data = lines(reading("p%d/device-%06d" % (i % 10, i), {"temperature": i, "time": NOW_MS + i}, i, NOW_S, raw=True) for i in order)
        got = db.ingest(data, oracle=False)
        self.assertEqual(got["stored"], str(count))
        info = db.query("info")
        self.assertEqual((info["devices"], info["readings"]), (str(count), str(count)))
        rows = db.query("stats", "--by", "device", "--agg", "count,sum")
        names = sorted(range(count), key=lambda i: (i % 10, i))
        self.assertEqual([r["device"] for r in rows], ["p%d/device-%06d" % (i % 10, i) for i in names])
        self.assertEqual([r["temperature_sum"] for r in rows], [str(i) for i in names])
        rows = db.query("stats", "--by", "product", "--agg", "count")
        self.assertEqual([r["temperature_count"] for r in rows], ["10000"] * 10)
        (row,) = db.query("stats", "--agg", "count,sum,stddev", "--device", "device-00*")
        self.assertEqual((row["temperature_count"], row["temperature_sum"]), ("10000", "49995000"))
        rows = db.query("online")
        self.assertEqual(len(rows), count)
        self.assertEqual({(r["unknown_ms"], r["state"]) for r in rows}, {("99999", "unknown")})
        self.assertEqual(len(db.query("last", "--limit", "7")), 7)
        (row,) = db.query("last", "--device", "device-012345")
        self.assertEqual((row["device"], row["temperature"]), ("p5/device-012345", "12345"))
        db.check_verify()

    def test_three_hundred_metrics(self):
        rng = rng_for("metrics")
        db = Db(self)
        names = [rng.choice(("m%d", "group.m%d", "Ünï%d", "a b %d")) % i for i in range(300)]
        bodies = []
        for i in range(150):
            chosen = names if i % 50 == 0 else rng.sample(names, rng.randint(1, 40))
            values = {name: rng.randint(-9999, 9999) / 100 for name in chosen}
            bodies.append(reading(f"p/d{i % 4}", {**values, "time": NOW_MS + i * 1000}, i, NOW_S))
        db.ingest(lines(bodies[:70]))
        db.ingest(lines(bodies[70:]))
        db.check_small()
        db.check_stats(aggs=("count", "sum", "avg", "median", "twa", "stddev"))
        db.check_stats(aggs=("count", "last"), by="device", every="1m")
        db.check_stats([names[7], names[299]], by="device")
        db.check_log()
        db.check_last()
        db.check_last((names[5], names[250]))
        db.check_verify()

    def test_ids_one_apart_up_to_the_largest(self):
        rng = rng_for("ids")
        ids = list(range(TOP - 3000, TOP + 1)) + list(range(0, 3000))
        ids += [2**63 + d for d in range(-50, 50)] + [2**53 + d for d in range(-50, 50)] + [2**32 + d for d in range(-5, 5)]
        ids += [rng.getrandbits(64) for _ in range(2000)]
        bodies = [reading("p/d", {"v": 1, "time": NOW_MS + i % 10}, str(n) if i % 3 else n, NOW_S) for i, n in enumerate(ids)]
        shuffled = bodies * 2
        rng.shuffle(shuffled)
        db = Db(self)
        db.ingest(lines(shuffled[:5000]))
        db.ingest(lines(shuffled[5000:]))
        self.assertEqual(db.oracle.stored, len(set(ids)))
        db.check_info()
        db.check_log()
        asked = rng.sample(ids, 300)
        self.assertEqual(db.query("seen", *asked), [{"messageid": str(n), "seen": True} for n in asked])
        unseen = [TOP - 3001, 3000, 2**63 + 50, 2**63 - 51, 2**53 + 50, 2**53 - 51]
        rows = db.query("seen", *unseen, *asked[:3], want_code=1)
        self.assertEqual([r["seen"] for r in rows], [False] * len(unseen) + [True] * 3)
        db.check_verify()

    def test_names_of_256_bytes_and_many_products(self):
        db = Db(self)
        bodies = []
        for i in range(200):
            device = "%03d" % i + "é" * 100 + "/" + "d" * (256 - 204)
            bodies.append(reading(device, {"m" * 256: i, "n": 1}, i, NOW_S))
        db.ingest(lines(bodies))
        self.assertEqual(db.oracle.rejected, 0)
        db.check_small()
        db.check_stats(by="product")
        db.check_log()

    def test_times_at_both_ends(self):
        db = Db(self)
        bodies = [
            reading("p/d", {"v": 1, "time": "1990-01-01 00:00:00Z"}, 1, 631152000),
            reading("p/d", {"v": 2}, 2, 631152000),
            reading("p/d", {"v": 3}, 3, 4102444799),
            reading("p/d", {"v": 4, "time": "2100-01-01 23:59:59.999Z"}, 4, 4102444799),
            status("p/d", "online", 5, 631152000, time="1990-01-01 00:00:00.000Z", lastTime="0001-01-01 00:00:00"),
            status("p/d", "offline", 6, 4102444799, utcTime="2099-12-31 23:59:59.999", utcLastTime="9999-12-31 23:59:59.999"),
        ]
        db.ingest(lines(bodies))
        for options in ({}, {"keep_stale": True}, {"offline_at": "last-contact"}):
            db.check_online(**options)
            db.check_sessions(**options)
        db.check_online(every="12mo", zone="America/New_York")
        db.check_log()
        db.check_last()
        db.check_small()
        db.check_stats(["v"], ("count", "twa", "min_time", "max_time"), every="12mo")

    def test_thing_models_with_hundreds_of_times(self):
        db = Db(self)
        items = {"i%d" % i: {"value": i / 4, "time": NOW_MS + i % 200} for i in range(400)}
        db.ingest(lines([envelope("upload", {"items": items}, 9, NOW_S, "/sys/p/d/x")]))
        self.assertEqual(len(db.oracle.rows), 200)
        db.check_log()
        db.check_small()
        db.check_last()


if __name__ == "__main__":
    harness.main()
