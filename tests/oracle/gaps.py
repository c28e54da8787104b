"""How complete readings are: reports, usual intervals, coverage, gaps. Every interval is looked at."""
from fractions import Fraction

from . import number
from .answers import ALL, Time, bounds

REPORT_MS = 1000


def rank(values, top, bottom):
    """The value at rank floor(top * (n - 1) / bottom)."""
    return sorted(values)[top * (len(values) - 1) // bottom]


def reports_of(rows):
    """Times of reports: rows less than a second after a report's first belong to it."""
    out = []
    for row in rows:
        if not out or row.time_ms - out[-1] >= REPORT_MS:
            out.append(row.time_ms)
    return out


class DeviceGaps:
    def __init__(self, store, sel, device, metrics, factor, longer_than):
        rows = sel.cut(store.rows_of(device))
        self.rows = [r for r in rows if not metrics or any(m in r.values for m in metrics)]
        self.reports = reports_of(self.rows)
        low, high = bounds(store, sel)
        if sel.from_ms is None:
            low = self.reports[0] if self.reports else high
        intervals = [b - a for a, b in zip(self.reports, self.reports[1:])]
        self.usual = rank(intervals, 1, 2) if intervals else None
        self.reach = longer_than
        if longer_than is None and self.usual is not None:
            self.reach = int(self.usual * factor)
        spans = [(a, b, "between") for a, b in zip(self.reports, self.reports[1:])]
        covered = None
        if self.reports:
            if low < self.reports[0]:
                spans.insert(0, (low, self.reports[0], "start"))
            if self.reports[-1] < high:
                spans.append((self.reports[-1], high, "end"))
            if self.reach is not None:
                covered = sum(min(b - a, self.reach) for a, b, where in spans if where != "start")
        elif low < high:
            spans = [(low, high, "all")]
            covered = 0
            self.reach = longer_than or 0
        else:
            self.reach = None
        self.coverage = None
        if covered is not None and low < high:
            self.coverage = number.nearest(Fraction(covered, high - low))
        self.largest = max(spans, key=lambda s: (s[1] - s[0], -s[0]), default=None)
        self.list = None
        if self.reach is not None:
            self.list = [s for s in spans if s[1] - s[0] > self.reach]


def gap_rows(store, metrics=(), sel=ALL, factor=3, longer_than=None):
    out = []
    for device in sel.names(store):
        one = DeviceGaps(store, sel, device, metrics, factor, longer_than)
        start, end, _ = one.largest or (None, None, None)
        out.append(
            {
                "device": device,
                "readings": len(one.rows),
                "usual_ms": one.usual,
                "coverage": one.coverage,
                "gaps": None if one.list is None else len(one.list),
                "largest_ms": None if start is None else end - start,
                "largest_start": None if start is None else Time(start),
                "largest_end": None if start is None else Time(end),
            }
        )
    return out


def gap_list_rows(store, metrics=(), sel=ALL, factor=3, longer_than=None):
    out = []
    for device in sel.names(store):
        one = DeviceGaps(store, sel, device, metrics, factor, longer_than)
        for start, end, where in one.list or ():
            out.append(
                {
                    "device": device,
                    "start": Time(start),
                    "end": Time(end),
                    "duration_ms": end - start,
                    "where": where,
                }
            )
    return out
