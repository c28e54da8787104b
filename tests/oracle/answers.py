"""What each command answers: rows of typed cells, in the contract's default order.

Cells: int (a count or a duration), Exact (number text), Loose, float (nearest double), Time (an
instant), str, bool, None.
"""
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from . import clock, number, stats, timeline
from .globs import device_matches, matches
from .stats import Exact, Group, Loose, Sample, Time

DEFAULT_AGGS = ("count", "min", "avg", "max")


@dataclass
class Selection:
    from_ms: int | None = None
    to_ms: int | None = None
    devices: tuple = ()
    products: tuple = ()

    def takes(self, device):
        if self.devices and not any(device_matches(g, device) for g in self.devices):
            return False
        product = device.partition("/")[0]
        return not self.products or any(matches(g, product) for g in self.products)

    def cut(self, things):
        """Rows or events (sorted by time) that lie in [from, to)."""
        times = [one.time_ms for one in things]
        low = 0 if self.from_ms is None else bisect_left(times, self.from_ms)
        high = len(times) if self.to_ms is None else bisect_left(times, self.to_ms)
        return things[low:high]

    def names(self, store):
        return [device for device in store.devices if self.takes(device)]


ALL = Selection()


def value_cell(value):
    return Exact(number.plain(value.fraction())) if value.exact else Loose(value.fraction())


def unique_names(fixed, wanted):
    """Columns of metrics that would equal one before them get `metric:` until they are unique."""
    taken = set(fixed)
    out = []
    for name in wanted:
        while name in taken:
            name = "metric:" + name
        taken.add(name)
        out.append(name)
    return out


# --- stats -------------------------------------------------------------------------------------


def default_metrics(store):
    known = store.metrics
    preferred = [m for m in ("temperature", "humidity") if m in known]
    if preferred:
        return preferred
    return known or ["temperature", "humidity"]


def samples_by_metric(store, sel, device, metrics, grid):
    """{metric: [Sample]} of one device, with how long each value holds."""
    rows = sel.cut(store.rows_of(device))
    out = {}
    for metric in metrics:
        having = [row for row in rows if metric in row.values]
        samples = []
        for i, row in enumerate(having):
            ends = [store.last_ms if sel.to_ms is None else sel.to_ms]
            if i + 1 < len(having):
                ends.append(having[i + 1].time_ms)
            if grid:
                ends.append(grid.bucket(row.time_ms)[1])
            hold = max(0, min(ends) - row.time_ms)
            samples.append(
                Sample(row.time_ms, row.messageid, device, row.values[metric], hold)
            )
        out[metric] = samples
    return out


def group_name(device, by):
    if by == "device":
        return device
    return device.partition("/")[0] if by == "product" else None


def stats_rows(
    store, metrics=(), aggs=DEFAULT_AGGS, sel=ALL, every=None, by=None, fill="none", zone="UTC"
):
    metrics = list(metrics) or default_metrics(store)
    grid = clock.Grid(every, clock.zone_of(zone)) if every else None
    pools = defaultdict(lambda: defaultdict(list))  # (group, bucket) -> metric -> samples
    for device in sel.names(store):
        for metric, samples in samples_by_metric(store, sel, device, metrics, grid).items():
            for sample in samples:
                start = grid.bucket(sample.time_ms)[0] if grid else None
                pools[group_name(device, by), start][metric].append(sample)
    if not by and not grid:
        pools[None, None]  # one row, even when empty
    cells = {}
    for key, pool in pools.items():
        cells[key] = {}
        for metric in metrics:
            group = Group(pool.get(metric, []))
            for agg in aggs:
                cells[key][metric, agg] = group.aggregate(agg)
    if grid and fill != "none" and pools:
        cells = filled(cells, metrics, aggs, fill, all_buckets(store, sel, grid))
    out = []
    for key in sorted(cells, key=lambda k: ((k[0] or "").encode(), k[1] or 0)):
        row = {}
        if by:
            row[by] = key[0]
        if grid:
            row["time"] = Time(key[1])
        wanted = [f"{metric}_{agg}" for metric in metrics for agg in aggs]
        for name, cell in zip(unique_names(row, wanted), cells[key].values()):
            row[name] = cell
        out.append(row)
    return out


def all_buckets(store, sel, grid):
    times = [
        row.time_ms for device in sel.names(store) for row in sel.cut(store.rows_of(device))
    ]
    first = sel.from_ms if sel.from_ms is not None else min(times)
    until = sel.to_ms if sel.to_ms is not None else max(times) + 1
    return [start for start, _ in grid.buckets(first, until)]


def filled(cells, metrics, aggs, fill, starts):
    out = {}
    for group in {key[0] for key in cells}:
        for start in starts:
            out[group, start] = {}
        for metric in metrics:
            for agg in aggs:
                given = {
                    i: cells[group, start][metric, agg]
                    for i, start in enumerate(starts)
                    if (group, start) in cells and _has_values(cells[group, start], metric, start)
                }
                for i, start in enumerate(starts):
                    out[group, start][metric, agg] = fill_cell(agg, fill, given, i)
    return out


def _has_values(row, metric, _start):
    return any(cell not in (None, 0) for (m, _), cell in row.items() if m == metric)


def fill_cell(agg, fill, given, i):
    """given: bucket position -> cell, of the buckets that have values."""
    if i in given:
        return given[i]
    if agg == "count":
        return 0
    if agg.endswith("_time") or fill == "null":
        return None
    if fill == "zero":
        return Exact("0")
    before = [j for j in given if j < i]
    after = [j for j in given if j > i]
    if fill == "prev":
        return given[max(before)] if before else None
    if not before or not after:
        return None
    low, high = max(before), min(after)
    a, b = given[low], given[high]
    if a is None or b is None:
        return None
    return Near(_fraction(a) + (_fraction(b) - _fraction(a)) * Fraction(i - low, high - low))


class Near:
    """A double within a few last places (an interpolation between rounded results)."""

    def __init__(self, fraction):
        self.double = number.nearest(fraction)

    def __repr__(self):
        return f"Near({self.double!r})"


def _fraction(cell):
    return cell.fraction if isinstance(cell, Loose) else Fraction(cell)


# --- online and sessions -----------------------------------------------------------------------


def bounds(store, sel):
    """Missing bounds become the store's first or last business time, never crossing the other."""
    first, last = sel.from_ms, sel.to_ms
    if first is None:
        first = store.first_ms if last is None else min(store.first_ms, last)
    if last is None:
        last = max(store.last_ms, first)
    return first, last


def timelines(store, sel, keep_stale, offline_at):
    return {
        device: timeline.build(store.events_of(device), keep_stale, offline_at)
        for device in sel.names(store)
    }


def _span(line, low, high):
    row = {f"{state}_ms": ms for state, ms in line.durations(low, high).items()}
    meeting = [s for s in line.sessions if s.meets(low, high)]
    row["sessions"] = len(meeting)
    row["longest_ms"] = max((s.inside(low, high) for s in meeting), default=0)
    row["repeats"] = sum(low <= ms < high for ms in line.repeats)
    row["stale"] = sum(low <= ms < high for ms in line.stale)
    row["state"], since = line.at(high)
    row["state_since"] = None if since is None else Time(since)
    return row


def online_rows(
    store, sel=ALL, every=None, by="device", keep_stale=False, offline_at="time", zone="UTC"
):
    lines = timelines(store, sel, keep_stale, offline_at)
    if not lines:
        return []
    low, high = bounds(store, sel)
    if every:
        grid = clock.Grid(every, clock.zone_of(zone))
        spans = [(s, max(s, low), min(e, high)) for s, e in grid.buckets(low, high)]
    else:
        spans = [(None, low, high)]
    pools = defaultdict(list)
    for device, line in lines.items():
        name = {"device": device, "product": device.partition("/")[0], "none": None}[by]
        for start, begin, end in spans:
            pools[name, start].append(_span(line, begin, end))
    out = []
    for key in sorted(pools, key=lambda k: ((k[0] or "").encode(), k[1] or 0)):
        parts = pools[key]
        row = {} if by == "none" else {by: key[0]}
        if every:
            row["time"] = Time(key[1])
        for field in ("online_ms", "offline_ms", "unknown_ms"):
            row[field] = sum(part[field] for part in parts)
        known = row["online_ms"] + row["offline_ms"]
        row["availability"] = row["online_ms"] / known if known else None
        row["sessions"] = sum(part["sessions"] for part in parts)
        row["longest_ms"] = max(part["longest_ms"] for part in parts)
        row["repeats"] = sum(part["repeats"] for part in parts)
        row["stale"] = sum(part["stale"] for part in parts)
        if by == "device":
            row["state"] = parts[0]["state"]
            row["state_since"] = parts[0]["state_since"]
        out.append(row)
    return out


def session_rows(store, sel=ALL, keep_stale=False, offline_at="time"):
    lines = timelines(store, sel, keep_stale, offline_at)
    if not lines:
        return []
    low, high = bounds(store, sel)
    found = [(s.start, d.encode(), i, d, s) for d, line in lines.items()
             for i, s in enumerate(line.sessions) if s.meets(low, high)]
    return [
        {
            "device": device,
            "start": Time(session.start),
            "end": None if session.end is None else Time(session.end),
            "duration_ms": session.inside(low, high),
            "reason": "open" if session.end is None else "offline",
            "repeats": session.repeats,
        }
        for _, _, _, device, session in sorted(found, key=lambda one: one[:3])
    ]


# --- the rest ----------------------------------------------------------------------------------


def last_rows(store, metrics=(), sel=ALL):
    """Without metrics: every metric the selected rows hold. One row per selected device."""
    names = sel.names(store)
    cut = {device: sel.cut(store.rows_of(device)) for device in names}
    wanted = list(metrics) or sorted(
        {name for rows in cut.values() for row in rows for name in row.values}, key=str.encode
    )
    out = []
    for device in names:
        rows, events = cut[device], sel.cut(store.events_of(device))
        line = timeline.build(store.events_of(device))
        state, since = line.changes[-1][::-1] if line.changes else ("unknown", None)
        if sel.to_ms is not None:
            state, since = line.at(sel.to_ms)
        seen = max((one.time_ms for one in rows + events), default=None)
        row = {
            "device": device,
            "last_seen": None if seen is None else Time(seen),
            "state": state,
            "state_since": None if since is None else Time(since),
        }
        cells = {}
        for metric in wanted:
            having = [r for r in rows if metric in r.values]
            cells[metric] = value_cell(having[-1].values[metric]) if having else None
            cells[metric + "_time"] = Time(having[-1].time_ms) if having else None
        for name, cell in zip(unique_names(row, cells), cells.values()):
            row[name] = cell
        out.append(row)
    return out


def log_rows(store, sel=ALL):
    rows = [r for d in sel.names(store) for r in sel.cut(store.rows_of(d))]
    events = [e for d in sel.names(store) for e in sel.cut(store.events_of(d))]
    metrics = sorted({name for row in rows for name in row.values}, key=str.encode)
    fixed = ("time", "device", "kind", "messageid", "time_source")
    columns = unique_names(fixed, metrics)
    out = []
    for one in sorted(rows + events, key=lambda x: (x.time_ms, x.messageid)):
        kind = getattr(one, "state", "reading")
        row = dict(zip(fixed, (Time(one.time_ms), one.device, kind, str(one.messageid), one.source)))
        values = getattr(one, "values", {})
        for column, metric in zip(columns, metrics):
            row[column] = value_cell(values[metric]) if metric in values else None
        out.append(row)
    return out


def device_rows(store, sel=ALL):
    out = []
    for device in sel.names(store):
        rows, events = sel.cut(store.rows_of(device)), sel.cut(store.events_of(device))
        times = [one.time_ms for one in rows + events]
        product, _, name = device.partition("/")
        out.append(
            {
                "device": device,
                "product": product,
                "name": name,
                "first_seen": Time(min(times)) if times else None,
                "last_seen": Time(max(times)) if times else None,
                "readings": len(rows),
                "status_events": len(events),
            }
        )
    return out


def metric_rows(store, sel=ALL):
    out = []
    having = defaultdict(list)
    for device in sel.names(store):
        for row in sel.cut(store.rows_of(device)):
            for name, value in row.values.items():
                having[name].append(Sample(row.time_ms, row.messageid, device, value, 0))
    for name in sorted(having, key=str.encode):
        group = Group(having[name])
        times = [s.time_ms for s in having[name]]
        out.append(
            {
                "metric": name,
                "values": len(times),
                "min": group.aggregate("min"),
                "max": group.aggregate("max"),
                "first_seen": Time(min(times)),
                "last_seen": Time(max(times)),
            }
        )
    return out


def seen_rows(store, ids):
    return [{"messageid": str(one), "seen": one in store.ids} for one in ids]


def info(store):
    """Without `bytes` and `format_version`, which the oracle cannot know."""
    first, last = store.first_ms, store.last_ms
    return {
        "stored": store.stored,
        "duplicates": store.duplicates,
        "rejected": store.rejected,
        "readings": len(store.rows),
        "status_events": len(store.events),
        "devices": len(store.devices),
        "metrics": len(store.metrics),
        "clock_faults": store.clock_faults,
        "first_time": None if first is None else Time(first),
        "last_time": None if last is None else Time(last),
    }
