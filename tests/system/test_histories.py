#!/usr/bin/env python3
"""Ten thousand random histories of devices against the oracle.

A store holds thousands of devices and each device is one history: status events and readings with
equal times, times in the past and future, reordering, duplicates, missing and stale last contacts.
One call then compares thousands of histories at once.
"""
import unittest

import harness
from harness import (
    Db,
    Selection,
    beijing,
    clock,
    envelope,
    lines,
    reading,
    rng_for,
    snowflake,
    status,
)

BASE_MS = 1600000000000
HISTORIES_PER_STORE = 300 if harness.SANITIZED else 3000  # an eighth of them is empty


def time_text(rng, ms):
    """One of the spellings of a payload time."""
    kind = rng.randrange(5)
    if kind == 0:
        return beijing(ms)
    if kind == 1:
        return ms
    if kind == 2:
        return str(ms)
    if kind == 3:
        return clock.rfc3339(ms, clock.timezone.utc)
    return clock.rfc3339(ms, clock.zone_of("-03:30"))


class History:
    """Random messages of one device around BASE_MS, within a few seconds or a few days."""

    def __init__(self, rng, device, next_id):
        self.rng = rng
        self.device = device
        self.next_id = next_id
        self.scale = rng.choice((3, 3000, 60000, 86400000 // 4))
        # A small set of instants makes equal times common.
        self.times = [BASE_MS + rng.randint(0, 8) * self.scale for _ in range(4)]

    def moment(self):
        rng = self.rng
        if rng.random() < 0.5:
            return rng.choice(self.times)
        return BASE_MS + rng.randint(0, 10 * self.scale)

    def messages(self):
        rng = self.rng
        out = []
        for _ in range(rng.choice((0, 1, 2, 3, 4, 6, 9, 14))):
            kind = self.event if rng.random() < 0.75 else self.reading
            out.append(kind())
        if out and rng.random() < 0.3:
            out.append(rng.choice(out))
        return out

    def timestamp(self, ms):
        """The envelope's second: near, or wrong enough to make the payload a broken clock."""
        chance = self.rng.random()
        if chance < 0.9:
            return ms // 1000 + self.rng.randint(-3, 900)
        if chance < 0.95:
            return ms // 1000 - 86400 - self.rng.randint(-2, 2)
        return self.rng.randint(1590000000, 1610000000)

    def identity(self, ms):
        number = next(self.next_id)
        if self.rng.random() < 0.5:
            return snowflake(ms + self.rng.randint(-5, 5), number >> 12 & 1023, number & 4095)
        return number if self.rng.random() < 0.5 else str(number)

    def contact(self, ms):
        rng = self.rng
        kind = rng.randrange(6)
        if kind == 0:
            return {}
        if kind == 1:
            return {"lastTime": rng.choice(("", "never", None, 17, [], "1970-01-01 00:00:00"))}
        # Around the edge of staleness of some event.
        at = self.moment() + rng.choice((-1001, -1000, -999, -1, 0, 1, 500, 5000, -5000))
        if kind == 2:
            return {"utcLastTime": time_text(rng, at)}
        if kind == 3:
            return {"utcLastTime": "?", "lastTime": time_text(rng, at)}
        return {"lastTime": time_text(rng, at)}

    def event(self):
        rng = self.rng
        ms = self.moment()
        times = {"time": time_text(rng, ms)}
        chance = rng.random()
        if chance < 0.1:
            times = {"time": time_text(rng, ms + 5), "utcTime": time_text(rng, ms)}
        elif chance < 0.15:
            times = {"time": rng.choice((0, "12345", "soon", "1989-12-31 23:59:59", 1.5))}
        elif chance < 0.2:
            times = {}
        state = rng.choice(("online", "offline"))
        members = {**times, **self.contact(ms)}
        return status(self.device, state, self.identity(ms), self.timestamp(ms), **members)

    def reading(self):
        rng = self.rng
        ms = self.moment()
        values = {"temperature": rng.randint(-300, 400) / 10}
        if rng.random() < 0.7:
            values[rng.choice(("time", "timestamp", "ts"))] = time_text(rng, ms)
        if rng.random() < 0.3:
            values["humidity"] = rng.randint(0, 100)
        if rng.random() < 0.2:
            values = {"items": {"temperature": {"value": 1, "time": ms}, "x": {"value": 2, "time": ms + rng.randint(0, 2)}}}
            return envelope("upload", values, self.identity(ms), self.timestamp(ms), f"/sys/{self.device}/x")
        return reading(self.device, values, self.identity(ms), self.timestamp(ms))


def counting(rng):
    at = rng.randint(1, 1 << 40)
    while True:
        yield at
        at += rng.choice((1, 1, 1, 2, 1000))


def make_store(test, rng, histories=HISTORIES_PER_STORE):
    """A store with that many histories, delivered in disorder and in two runs that overlap."""
    next_id = counting(rng)
    bodies = []
    for i in range(histories):
        bodies += History(rng, f"p{i % 7}/d{i}", next_id).messages()
    rng.shuffle(bodies)
    db = Db(test)
    third = len(bodies) // 3
    db.ingest(lines(bodies[: 2 * third]))
    db.ingest(lines(bodies[third:]))
    return db


def some_range(rng):
    low = BASE_MS + rng.choice((-5, 0, rng.randint(0, 3000), rng.randint(0, 10**8)))
    return Selection(low, low + rng.choice((0, 1, 6, 3000, 60000, 3600000, 86400000 * 2)))


class Histories(unittest.TestCase):
    def check_store(self, name):
        rng = rng_for(name)
        db = make_store(self, rng)
        db.check_info()
        db.check_online()
        for _ in range(2):
            for options in ({}, {"keep_stale": True}, {"offline_at": "last-contact"}):
                db.check_online(some_range(rng), **options)
        both = {"keep_stale": True, "offline_at": "last-contact"}
        db.check_online(by="product", **both)
        db.check_online(some_range(rng), by="none", zone="Asia/Kolkata")
        low = BASE_MS + rng.randint(-10, 5000)
        for every, width in (("1s", 4000), ("1h", 3 * 3600000), ("1d", 3 * 86400000)):
            by = rng.choice(("device", "product", "none"))
            sel = Selection(low, low + width, ("d1*",) if by == "device" else ())
            db.check_online(sel, every, by, zone=rng.choice(("UTC", "America/New_York", "+05:30")),
                            offline_at=rng.choice(("time", "last-contact")))  # fmt: skip
        db.check_sessions()
        db.check_sessions(some_range(rng), offline_at="last-contact")
        db.check_sessions(some_range(rng), keep_stale=True)
        db.check_last()
        db.check_last(("temperature",), Selection(to_ms=low + 3000))
        db.check_log(some_range(rng))
        db.check_small()
        db.check_stats(by="device", aggs=("count", "sum", "first", "last", "twa", "max_time"))
        db.check_verify()

    def test_histories_first_quarter(self):
        self.check_store("first")

    def test_histories_second_quarter(self):
        self.check_store("second")

    def test_histories_third_quarter(self):
        self.check_store("third")

    def test_histories_fourth_quarter(self):
        self.check_store("fourth")

    def test_long_histories_of_few_devices(self):
        rng = rng_for("long")
        next_id = counting(rng)
        bodies = []
        for i in range(20):
            history = History(rng, f"p/d{i}", next_id)
            bodies += [history.event() if rng.random() < 0.8 else history.reading() for _ in range(1000)]
        rng.shuffle(bodies)
        db = Db(self)
        db.ingest(lines(bodies))
        for options in ({}, {"keep_stale": True}, {"offline_at": "last-contact"}):
            db.check_online(**options)
            db.check_sessions(**options)
            db.check_online(some_range(rng), **options)
        db.check_log()


if __name__ == "__main__":
    harness.main()
