"""What a timeline's row and a sparkline show, slice of time by slice of time, in ASCII."""
from . import answers, clock

SPARK_LEVELS = "_.-=+*#@"


def slices(low, high, count):
    """[(from, until)] of `count` columns over a range; none is empty."""
    starts = [low + (high - low) * i // count for i in range(count + 1)]
    return [(starts[i], max(starts[i + 1], starts[i] + 1)) for i in range(count)]


def lane_cell(held):
    known = held["online"] + held["offline"]
    if known == 0:
        return "."
    if held["offline"] == 0:
        return "#"
    if held["online"] == 0:
        return "_"
    return "+" if int(held["online"] / known * 6) >= 3 else "-"


def lane(line, low, high, count):
    """The row of a device in `count` columns."""
    # A slice that is widened to a millisecond may end behind the range; nothing is known there.
    return "".join(lane_cell(line.durations(a, min(b, high))) for a, b in slices(low, high, count))


def offline_spans(line, low, high):
    """[(from, until)] of offline in the range; sessions without length part nothing."""
    spans = []
    for i, (when, what) in enumerate(line.changes):
        until = line.changes[i + 1][0] if i + 1 < len(line.changes) else high
        a, b = max(when, low), min(until, high)
        if what != "offline" or b <= a:
            continue
        if spans and spans[-1][1] == a:
            spans[-1] = (spans[-1][0], b)
        else:
            spans.append((a, b))
    return spans


def share(line, low, high):
    """The availability as it stands beside a lane: rounded down."""
    held = line.durations(low, high)
    known = held["online"] + held["offline"]
    if known == 0:
        return "-"
    hundredths = held["online"] * 10000 // known
    return "100%" if hundredths == 10000 else f"{hundredths // 100}.{hundredths % 100:02d}%"


def spark(values, spans, low, high, count):
    """The line of bars of buckets: values[i] (None: empty) of spans[i] = (from, until)."""
    sums = [[] for _ in range(count)]
    for value, (a, b) in zip(values, spans):
        if value is None:
            continue
        first = (a - low) * count // (high - low)
        until = min((b - low) * count // (high - low), count)
        for i in range(first, max(until, first + 1)):
            if i < count:
                sums[i].append(value)
    means = [sum(some) / len(some) if some else None for some in sums]
    known = [mean for mean in means if mean is not None]
    if not known:
        return " " * count
    least, most = min(known), max(known)

    def level(mean):
        if most <= least:
            return 3
        return min(int((mean / 2 - least / 2) / (most / 2 - least / 2) * 8), 7)

    return "".join(" " if mean is None else SPARK_LEVELS[level(mean)] for mean in means)


def spark_axis(starts, sel, every, zone):
    """The span that a sparkline covers: all buckets, and as far as the selection asks."""
    grid = clock.Grid(every, clock.zone_of(zone))
    ends = [grid.bucket(ms) for ms in starts]
    if sel.from_ms is not None:
        ends.append(grid.bucket(sel.from_ms))
    if sel.to_ms is not None and sel.to_ms > max(b for _, b in ends):
        ends.append(grid.bucket(sel.to_ms - 1))
    return min(a for a, _ in ends), max(b for _, b in ends), grid


__all__ = ["answers", "lane", "offline_spans", "share", "spark", "spark_axis"]
