#!/usr/bin/env python3
"""Writes the sets that golden cases ask: python3 tests/golden/make_sets.py

home.ndjson     a small made-up home on the six days around both clock changes of Europe/Berlin in
                2024: rooms with plain and CJK names, a device without humidity, one whose value never
                changes, one with impossible values, one that drops out often, one that is silent,
                a gap, a stale offline event, a broken clock, duplicates and rejected bodies
fleet.ndjson    devices of a hall that are silent together, and one whose value never changes
hostile.ndjson  names that try to do things: to terminals, tables, HTML and shells

The sets are committed; running this again changes nothing. Times are of the messages: no clock.
"""
import base64
import json
import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

SETS = Path(__file__).resolve().parent / "sets"
SNOWFLAKE_EPOCH_MS = 1288834974657


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Set:
    def __init__(self):
        self.bodies = []
        self.sequence = 0

    def envelope(self, when, kind, payload, **members):
        ms = round(when.timestamp() * 1000)
        self.sequence += 1
        messageid = (ms - SNOWFLAKE_EPOCH_MS) << 22 | self.sequence
        text = payload if isinstance(payload, str) else compact(payload)
        return {
            "payload": text,
            "messagetype": kind,
            **members,
            "messageid": messageid,
            "timestamp": ms // 1000,
        }

    def add(self, when, body):
        self.bodies.append((when, len(self.bodies), body if isinstance(body, str) else compact(body)))

    def reading(self, when, device, **values):
        self.add(when, self.envelope(when, "upload", values, topic=f"{device}/update"))

    def status(self, when, device, state, contact=None):
        product, _, name = device.partition("/")
        payload = {"productKey": product, "deviceName": name, "status": state}
        payload["utcTime"] = when.strftime("%Y-%m-%d %H:%M:%S.") + f"{when.microsecond // 1000:03}"
        if contact:
            payload["utcLastTime"] = contact.strftime("%Y-%m-%d %H:%M:%S.000")
        self.add(when, self.envelope(when, "status", payload))

    def write(self, name):
        ordered = sorted(self.bodies, key=lambda entry: entry[:2])
        text = "".join(body + "\n" for _, _, body in ordered)
        (SETS / name).write_text(text, encoding="utf-8")


def day(month, number, hour=0, minute=0, second=0):
    return datetime(2024, month, number, hour, minute, second, tzinfo=timezone.utc)


SPANS = ((day(3, 30), day(4, 2)), (day(10, 26), day(10, 29)))


def every(step_minutes):
    for start, end in SPANS:
        when = start + timedelta(minutes=7)
        while when < end:
            yield when
            when += timedelta(minutes=step_minutes)


def home():
    made = Set()
    for i, when in enumerate(every(120)):
        wave = math.sin(2 * math.pi * (when.hour - 9) / 24)
        made.reading(when, "home/kitchen", temperature=round(21 + 2 * wave, 1), humidity=round(48 - 9 * wave))
        if not day(10, 27, 3) <= when < day(10, 27, 14):  # a gap
            later = when + timedelta(seconds=20)
            made.reading(later, "home/浴室", temperature=round(22.4 + wave, 2), humidity=round(68 + 12 * wave))
        if i % 2 == 0:
            later = when + timedelta(seconds=40)
            made.reading(later, "depot/frozen", temperature=-18.5)  # never changes, and no humidity
            humidity = 116 if i == 20 else 55
            made.reading(later, "depot/door", humidity=humidity, open=i % 4 == 0)
    for start, end in SPANS:
        for device in ("home/kitchen", "home/浴室"):
            made.status(start + timedelta(minutes=5), device, "online")
            made.status(end - timedelta(minutes=30), device, "offline", contact=end - timedelta(minutes=31))
    for hour in range(0, 36, 3):  # drops out often
        made.status(day(3, 30, 1) + timedelta(hours=hour), "depot/door", "online")
        gone = day(3, 30, 1) + timedelta(hours=hour, minutes=100)
        made.status(gone, "depot/door", "offline", contact=gone - timedelta(seconds=45))
    made.status(day(10, 26, 4), "depot/door", "online")
    made.status(day(10, 26, 4, 0, 30), "depot/door", "offline", contact=day(10, 26, 3, 59))  # stale
    made.status(day(10, 26, 9), "depot/door", "online")  # repeats
    made.status(day(3, 31, 1), "depot/silent", "online")
    when = day(10, 28, 12)
    made.add(when, made.envelope(when, "upload", {"temperature": 19.75, "time": 12}, topic="home/kitchen/update"))
    for i in (5, 50, 51):  # delivered twice
        made.add(*made.bodies[i][::2])
    when = day(10, 28, 6)
    made.add(when, "no json at all")
    made.add(when, '{"payload":"e30=","messagetype":"upload"}')
    made.add(when, made.envelope(when, "lifecycle", {"a": 1}, topic="home/kitchen/life"))
    made.add(when, made.envelope(when, "upload", {"note": "words only"}, topic="home/kitchen/update"))
    made.add(when, made.envelope(when, "status", {"productKey": "home", "deviceName": "kitchen", "status": "away"}))
    made.write("home.ndjson")


HOSTILE_DEVICES = (
    "p/\x1b[31mred\x1b[0m",
    "p/tab\there",
    "p/two\nlines",
    "p/a|b`c`",
    "p/<script>alert(1)</script>&amp;",
    "p/$(touch pwned)`touch pwned`",
    "p/it's \"quoted\" \\ back",
    "p/-d --db",
    "p/\u202eright to left",
    "p/e\u0301 combining",
    "p/温度計😀",
    "p/" + "long-" * 40 + "name",
)


def hostile():
    made = Set()
    when = day(5, 1, 8)
    for i, device in enumerate(HOSTILE_DEVICES):
        values = {"temperature": 20 + i, "a,b;\"c\"": i, "device": i, "名 前": 0.5 * i}
        payload = base64.b64encode(compact(values).encode()).decode()
        made.add(when, made.envelope(when, "upload", payload, topic=f"{device}/update"))
        made.status(when + timedelta(seconds=1), device, "online")
        if i % 2:
            made.status(when + timedelta(seconds=100 + i), device, "offline")
        when += timedelta(seconds=60)
    made.write("hostile.ndjson")


def fleet():
    """Seven devices of a hall: all silent for 16 h at once, one of them longer, one that never moves."""
    out = Set()
    begin = day(6, 3)
    for number in range(1, 8):
        back = 100 if number == 4 else 56
        for hour in (hour for hour in range(0, 144, 2) if not 40 < hour < back):
            degrees = 21 if number == 7 else 18 + (hour // 6 + number) % 6
            out.reading(begin + timedelta(hours=hour, minutes=number), f"hall/{number}", temperature=degrees)
    out.write("fleet.ndjson")


if __name__ == "__main__":
    home()
    hostile()
    fleet()
    (SETS / "empty.ndjson").write_text("")
