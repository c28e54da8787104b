"""Failures, repairs, flaps and outages, read off the changes of a timeline."""
from collections import defaultdict

from . import answers, clock
from .answers import ALL, Time, bounds, timelines


def outages(line):
    """[(start, end, follows a session)] of offline, end None: for ever."""
    out = []
    starts = [s.start for s in line.sessions]
    if line.changes and line.changes[0][1] == "offline":
        out.append((line.changes[0][0], starts[0] if starts else None, False))
    for i, session in enumerate(line.sessions):
        if session.end is not None:
            out.append((session.end, starts[i + 1] if i + 1 < len(starts) else None, True))
    return out


def cut(line, low, high, flap):
    ended = [s for s in line.sessions if s.end is not None and low <= s.end < high]
    repaired = [o for o in outages(line) if o[2] and o[1] is not None and low <= o[1] < high]
    lengths = []
    for start, end, _ in outages(line):
        inside = (high if end is None else min(end, high)) - max(start, low)
        if inside > 0:
            lengths.append((-inside, start))
    return {
        "failures": len(ended),
        "repairs": len(repaired),
        "repaired_ms": sum(o[1] - o[0] for o in repaired),
        "flaps": sum(s.end - s.start < flap for s in ended),
        "longest": min(lengths, default=None),
    }


def mean(total, count):
    return None if count == 0 else (2 * total + count) // (2 * count)


def reliability_rows(store, sel=ALL, every=None, by="device", keep_stale=False, offline_at="time",
                     zone="UTC", flap=60000):  # fmt: skip
    """The rows of `online` with the fields of --reliability behind them."""
    rows = answers.online_rows(store, sel, every, by, keep_stale, offline_at, zone)
    if not rows:
        return rows
    low, high = bounds(store, sel)
    spans = [(None, low, high)]
    if every:
        grid = clock.Grid(every, clock.zone_of(zone))
        spans = [(s, max(s, low), min(e, high)) for s, e in grid.buckets(low, high)]
    pools = defaultdict(list)
    for device, line in timelines(store, sel, keep_stale, offline_at).items():
        name = {"device": device, "product": device.partition("/")[0], "none": None}[by]
        for start, begin, end in spans:
            pools[name, start].append(cut(line, begin, end, flap))
    for row in rows:
        parts = pools[None if by == "none" else row[by], row["time"].ms if every else None]
        total = {k: sum(p[k] for p in parts) for k in ("failures", "repairs", "repaired_ms", "flaps")}
        longest = min((p["longest"] for p in parts if p["longest"]), default=None)
        row["failures"] = total["failures"]
        row["mtbf_ms"] = mean(row["online_ms"], total["failures"])
        row["repairs"] = total["repairs"]
        row["mttr_ms"] = mean(total["repaired_ms"], total["repairs"])
        row["flaps"] = total["flaps"]
        row["longest_outage_ms"] = -longest[0] if longest else 0
        row["longest_outage_start"] = Time(longest[1]) if longest else None
    return rows
