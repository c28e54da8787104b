"""Time above and below limits: by the millisecond where the question is small, by stretches else.

A device's history of one metric is a list of stretches (start, end, state), the state being "beyond",
"within" or "unknown", end None for ever. Everything is read off these.
"""
from collections import defaultdict
from fractions import Fraction

from . import clock, number
from .answers import ALL, bounds, group_name, stats_rows, unique_names, value_cell
from .stats import Time


def limit_of(side, text):
    return side, number.value_of_text(text)


def is_beyond(limit, value):
    side, bound = limit
    a, b = value.fraction(), bound.fraction()
    return a > b if side == "above" else a < b


def readings_of(store, device, metric):
    return [(r.time_ms, r.values[metric]) for r in store.rows_of(device) if metric in r.values]


def stretches(readings, limit, hold=None):
    """Every reading's own stretch, with what it is: (start, end, state, value); end None: for ever."""
    out = []
    for i, (start, value) in enumerate(readings):
        until = readings[i + 1][0] if i + 1 < len(readings) else None
        state = "beyond" if is_beyond(limit, value) else "within"
        if hold is not None and (until is None or until > start + hold):
            out.append((start, start + hold, state, value))
            out.append((start + hold, until, "unknown", None))
        else:
            out.append((start, until, state, value))
    return out


def excursions(readings, limit, hold=None):
    """[(start, end, reason, [(time, value)])], stretches beyond the limit that follow each other."""
    out = []
    before = None
    for start, end, state, value in stretches(readings, limit, hold):
        if state == "beyond":
            if before != "beyond":
                out.append([start, None, "open", []])
            out[-1][1] = end
            out[-1][3].append((start, value))
        elif before == "beyond":
            out[-1][2] = "silent" if state == "unknown" else "value"
        before = state
    return out


def meets(one, low, high):
    start, end = one[0], one[1]
    return start < high and (end is None or end > low or start >= low)


def inside(start, end, low, high):
    return max(0, (high if end is None else min(end, high)) - max(start, low))


def cut(readings, limit, hold, low, high):
    """What one device has in [low, high)."""
    pieces = stretches(readings, limit, hold)
    spent = defaultdict(int)
    for start, end, state, _ in pieces:
        spent[state] += inside(start, end, low, high)
    found = [one for one in excursions(readings, limit, hold) if meets(one, low, high)]
    return {
        "known": spent["beyond"] + spent["within"],
        "beyond": spent["beyond"],
        "times": len(found),
        "longest": max((inside(one[0], one[1], low, high) for one in found), default=0),
    }


def limit_name(limit):
    return f"{limit[0]}_{number.plain(limit[1].fraction())}" if limit[1].exact else None


def spans_of(store, sel, every, zone):
    low, high = bounds(store, sel)
    if not every:
        return [(None, low, high)]
    last = high if sel.to_ms is not None else high + 1
    grid = clock.Grid(every, clock.zone_of(zone))
    return [(s, max(s, low), max(min(e, high), max(s, low))) for s, e in grid.buckets(low, last)]


def figure_rows(store, metrics, limits, sel=ALL, every=None, by=None, zone="UTC", hold=None,
                everything=False):  # fmt: skip
    """{(group, bucket): [cells]} and the names of the cells."""
    names = []
    for metric in metrics:
        names.append(f"{metric}_unknown_ms")
        for limit in limits:
            names += [f"{metric}_{limit_name(limit)}_{f}" for f in ("ms", "share", "times", "longest_ms")]
    out = {}
    if store.first_ms is None:
        return out, names
    groups = defaultdict(list)
    for device in sel.names(store):
        groups[group_name(device, by)].append(device)
    if not by and not groups:
        groups[None] = []
    grid = clock.Grid(every, clock.zone_of(zone)) if every else None
    for group, devices in groups.items():
        rows = {}
        for start, low, high in spans_of(store, sel, every, zone):
            cells, known = [], False
            for metric in metrics:
                histories = [readings_of(store, device, metric) for device in devices]
                for i, limit in enumerate(limits):
                    parts = [cut(history, limit, hold, low, high) for history in histories]
                    total = {k: sum(p[k] for p in parts) for k in ("known", "beyond", "times")}
                    if i == 0:
                        cells.append(len(devices) * (high - low) - total["known"])
                    cells.append(total["beyond"])
                    share = Fraction(total["beyond"], total["known"]) if total["known"] else None
                    cells.append(None if share is None else number.nearest(share))
                    cells.append(total["times"])
                    cells.append(max((p["longest"] for p in parts), default=0))
                    known = known or total["known"] > 0 or total["times"] > 0
                known = known or any(holds(store, sel, start, grid, h) for h in histories)
            rows[start] = cells, known
        for start, (cells, known) in rows.items():
            if known or (everything and any(k for _, k in rows.values())) or (not by and not every):
                out[group, start] = cells
    return out, names


def holds(store, sel, start, grid, readings):
    """Whether a reading of the range lies in the bucket."""
    low, high = bounds(store, sel)
    for time, _ in readings:
        if low <= time and (time < high or (sel.to_ms is None and time == high)):
            if not grid or grid.bucket(time)[0] == start:
                return True
    return False


def stats_with_limits(store, metrics, limits, aggs, sel=ALL, every=None, by=None, fill="none",
                      zone="UTC", hold=None):  # fmt: skip
    """`stats METRIC... --above ...`: the rows of stats and those where something is known."""
    plain = stats_rows(store, metrics, aggs, sel, every, by, fill, zone)
    figures, names = figure_rows(store, metrics, limits, sel, every, by, zone, hold, fill != "none")
    rows = {}
    for row in plain:
        time = row["time"].ms if every else None
        rows[row[by] if by else None, time] = row
    keys = ([by] if by else []) + (["time"] if every else [])
    columns = unique_names(keys, [f"{m}_{a}" for m in metrics for a in aggs] + names)
    agg_columns, figure_columns = columns[: len(metrics) * len(aggs)], columns[len(metrics) * len(aggs) :]
    out = []
    every_key = set(rows) | (set(figures) if by or every or rows else set())
    # Groups that no reading is selected of have no row at all, filled or not.
    for key in sorted(every_key, key=lambda k: ((k[0] or "").encode(), k[1] or 0)):
        row = {}
        if by:
            row[by] = key[0]
        if every:
            row["time"] = Time(key[1])
        given = rows.get(key)
        for i, column in enumerate(agg_columns):
            agg = aggs[i % len(aggs)]
            row[column] = given[column] if given else (0 if agg == "count" else None)
        cells = figures.get(key)
        for name, column, i in zip(names, figure_columns, range(len(names))):
            if cells:
                row[column] = cells[i]
            else:
                row[column] = None if name.endswith("_share") else 0
        out.append(row)
    return out


def excursion_rows(store, metrics, limits, sel=ALL, hold=None):
    low, high = (None, None) if store.first_ms is None else bounds(store, sel)
    found = []
    for device in sel.names(store):
        for m, metric in enumerate(metrics):
            readings = readings_of(store, device, metric)
            for n, limit in enumerate(limits):
                for i, one in enumerate(excursions(readings, limit, hold)):
                    if meets(one, low, high):
                        found.append(((one[0], device.encode(), m, n, i), device, metric, limit, one))
    out = []
    for _, device, metric, limit, (start, end, reason, values) in sorted(found, key=lambda f: f[0]):
        order = max if limit[0] == "above" else min
        best = order(v.fraction() for _, v in values)
        when, extreme = next((t, v) for t, v in values if v.fraction() == best)
        out.append(
            {
                "device": device,
                "start": Time(start),
                "end": None if end is None else Time(end),
                "duration_ms": inside(start, end, low, high),
                "reason": reason,
                "metric": metric,
                "side": limit[0],
                "limit": value_cell(limit[1]),
                "extreme": value_cell(extreme),
                "extreme_time": Time(when),
                "values": len(values),
            }
        )
    return out


