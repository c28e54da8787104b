"""The same question about a shifted range, and answers turned into matrices."""
import calendar
import re
from datetime import timedelta
from fractions import Fraction

from . import clock, number
from .answers import Selection, bounds
from .stats import Exact, Loose, Time


def shift_ms(ms, shift, zone):
    """`-7d`, `+1w`, `-1mo`, `-1y` by the calendar, `-12h` and other units by the clock."""
    sign, count, unit = re.fullmatch(r"([+-])([0-9]+)(ms|s|m|h|d|w|mo|y)", shift).groups()
    n = int(count) * (-1 if sign == "-" else 1)
    elapsed = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000}
    if unit in elapsed:
        return ms + n * elapsed[unit]
    there = clock.local(ms, zone).replace(tzinfo=None, fold=0)
    if unit in ("mo", "y"):
        month = there.year * 12 + there.month - 1 + n * (12 if unit == "y" else 1)
        year, month = month // 12, month % 12 + 1
        there = there.replace(year=year, month=month, day=min(there.day, calendar.monthrange(year, month)[1]))
    else:
        there += timedelta(days=n * (7 if unit == "w" else 1))
    return instant_after_gap(there, zone)


def instant_after_gap(naive, zone):
    """The earlier of two; in a gap the first instant after it."""
    both = clock.local_instants(naive, zone)
    valid = [ms for ms in both if clock.local(ms, zone).replace(tzinfo=None) == naive]
    if valid:
        return min(valid)
    low, high = min(both) - 1, max(both)
    offset = clock.local(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if clock.local(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


def fraction(cell):
    if isinstance(cell, Loose):
        return cell.fraction
    return Fraction(cell)


def change(now, before):
    if now is None or before is None:
        return None
    if isinstance(now, Exact) and isinstance(before, Exact):
        return Exact(number.plain(Fraction(now) - Fraction(before)))
    if isinstance(now, int) and isinstance(before, int):
        return now - before
    # Doubles: the nearest to the difference of what is shown.
    a = shown(now)
    b = shown(before)
    return None if a is None or b is None else number.nearest(a - b)


def percent(now, before):
    """The change as a percentage of what was before, positive for more."""
    if now is None or before is None:
        return None
    a, b = shown(now), shown(before)
    return None if a is None or not b else number.nearest(100 * (a - b) / abs(b))


def shown(cell):
    """What stands on the screen, as a fraction."""
    if isinstance(cell, Loose):
        near = number.nearest(cell.fraction)
        return None if near is None else Fraction(near)
    return Fraction(cell)


def shifted_selection(store, sel, shift, zone, takes_last):
    low, high = bounds(store, sel)
    if takes_last and sel.to_ms is None:
        high += 1
    zone = clock.zone_of(zone)
    begin, end = shift_ms(low, shift, zone), shift_ms(high, shift, zone)
    return Selection(begin, max(begin, end), sel.devices, sel.products), (low, high)


def versus_rows(store, sel, shift, ask, by=None, every=None, zone="UTC", zero_counts=False,
                takes_last=False, percents=False):  # fmt: skip
    """ask(sel) -> rows in default order. by: name of the first field, or None."""
    earlier, (low, high) = shifted_selection(store, sel, shift, zone, takes_last)
    now, before = ask(sel), ask(earlier)
    keys = ([by] if by else []) + (["time"] if every else [])

    def keyed(rows):
        return {tuple(row[k].ms if k == "time" else row[k] for k in keys): row for row in rows}

    left, right = keyed(now), keyed(before)
    columns = [k for row in (now + before)[:1] for k in row if k not in keys]
    names = {key[0] for key in list(left) + list(right)} if by else {None}
    pairs = []
    for name in sorted(names, key=lambda n: (n or "").encode()):
        prefix = (name,) if by else ()
        if not every:
            pairs.append((prefix, prefix))
            continue
        there = clock.zone_of(zone)
        grid = clock.Grid(every, there)
        for start, _ in grid.buckets(low, high):
            pairs.append((prefix + (start,), prefix + (grid.bucket(shift_ms(start, shift, there))[0],)))
    out = []
    for key, key_before in pairs:
        a, b = left.get(key), right.get(key_before)
        if a is None and b is None:
            continue
        row = {k: Time(v) if k == "time" else v for k, v in zip(keys, key)}
        for column in columns:
            sample = column_kind(now + before, column)
            empty = 0 if zero_counts and sample == "count" else None
            x = a[column] if a else empty
            y = b[column] if b else empty
            row[column] = x
            row[column + "_before"] = y
            if sample not in ("text", "time"):
                row[column + "_change"] = change(x, y)
                if percents:
                    row[column + "_percent"] = percent(x, y)
        out.append(row)
    return out


def column_kind(rows, column):
    if column == "state":
        return "text"
    if column in ("state_since", "longest_outage_start") or column.endswith(("min_time", "max_time")):
        return "time"
    if column.endswith(("_count", "_times")):
        return "count"
    return "number"


def matrix_rows(rows, field, by, every, zone):
    """Rows of buckets as one row a name; labels as programs get them."""
    there = clock.zone_of(zone)
    times = sorted({row["time"].ms for row in rows})
    locals_ = [clock.local(ms, there) for ms in times]
    seconds = any(t.second or t.microsecond for t in locals_)

    def label(ms):
        t = clock.local(ms, there)
        if every.endswith("mo"):
            return t.strftime("%Y-%m")
        if every[-1] in "dw":
            return t.strftime("%Y-%m-%d")
        text = t.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
        if instant_after_gap(t.replace(tzinfo=None, fold=0), there) != ms:
            minutes = t.utcoffset() // timedelta(minutes=1)
            text += "%s%02d:%02d" % ("-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60)
        return text

    labels = {ms: label(ms) for ms in times}
    out = []
    for row in rows:
        name = row[by] if by else field
        key = by or "field"
        if not out or (by and out[-1][key] != name):
            out.append({key: name, **{labels[ms]: None for ms in times}})
        out[-1][labels[row["time"].ms]] = row[field]
    return out
