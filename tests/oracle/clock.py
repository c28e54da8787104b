"""Zones, payload times, buckets, and times as text. Instants are UTC milliseconds."""
import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MS = timedelta(milliseconds=1)
DAY_MS = 86400000
BLANKS = " \t\r\n"


@lru_cache(None)
def zone_of(name):
    found = re.fullmatch(r"([+-])([0-9]{2}):([0-9]{2})", name)
    if found:
        minutes = int(found[2]) * 60 + int(found[3])
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
    if name == "UTC":
        return timezone.utc
    return ZoneInfo(name)


def instant(moment):
    return (moment - EPOCH) // MS


def local(ms, zone):
    return (EPOCH + ms * MS).astimezone(zone)


def local_instants(naive, zone):
    """The instants of both readings of a local time; equal unless it is doubled or in a gap."""
    return [
        instant(naive.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc)) for fold in (0, 1)
    ]


def earlier_instant(naive, zone):
    return min(local_instants(naive, zone))


# --- payload times -----------------------------------------------------------------------------

_TEXT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})"
    r"(?::([0-9]{2})(?:[ \t\r\n]*\.([0-9]+))?)?[ \t\r\n]*(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def read_text_time(text, zone):
    """`YYYY-MM-DD HH:MM[:SS[.fff]]` with an optional zone, blanks around either -> ms, or None."""
    found = _TEXT.fullmatch(text.strip(BLANKS))
    if not found:
        return None
    year, month, day, hour, minute, second, part, offset = found.groups()
    try:
        naive = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        return None
    part_ms = int((part or "0")[:3].ljust(3, "0"))
    if offset is None:
        if isinstance(zone, timezone):
            return plain_ms(naive) - zone.utcoffset(None) // MS + part_ms
        return earlier_instant(naive, zone) + part_ms
    if offset == "Z":
        return plain_ms(naive) + part_ms
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 23 or minutes > 59:
        return None
    shift = (hours * 60 + minutes) * 60000
    return plain_ms(naive) + part_ms + (shift if offset[0] == "-" else -shift)


def plain_ms(naive):
    return (naive - datetime(1970, 1, 1)) // MS


# --- text of instants --------------------------------------------------------------------------


def rfc3339(ms, zone):
    moment = local(ms, zone)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") if moment.year > 999 else moment.isoformat()[:19]
    text += ".%03d" % (moment.microsecond // 1000)
    if zone is timezone.utc:
        return text + "Z"
    minutes = moment.utcoffset() // timedelta(minutes=1)
    sign = "-" if minutes < 0 else "+"
    return text + "%s%02d:%02d" % (sign, abs(minutes) // 60, abs(minutes) % 60)


# --- buckets -----------------------------------------------------------------------------------


@lru_cache(None)
def day_start(ordinal, zone):
    """Local midnight; skipped by DST: the first instant after the gap; ambiguous: the earlier."""
    naive = datetime.fromordinal(ordinal)
    both = local_instants(naive, zone)
    valid = [ms for ms in both if local(ms, zone).replace(tzinfo=None) == naive]
    if valid:
        return min(valid)
    low, high = min(both), max(both)  # the gap's instant lies between the two readings
    while high - low > 1:
        middle = (low + high) // 2
        if local(middle, zone).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return high


def day_of(ms, zone):
    ordinal = local(ms, zone).toordinal()
    while day_start(ordinal, zone) > ms:
        ordinal -= 1
    while day_start(ordinal + 1, zone) <= ms:
        ordinal += 1
    return ordinal


class Grid:
    """The bucket grid of `--every` in a display zone."""

    ELAPSED = {"s": 1000, "m": 60000, "h": 3600000}

    def __init__(self, every, zone):
        number, self.unit = re.fullmatch(r"([0-9]+)(s|m|h|d|w|mo)", every).groups()
        self.n = int(number)
        self.zone = zone

    def bucket(self, ms):
        """The bucket that holds an instant, as (start, end)."""
        day = day_of(ms, self.zone)
        if self.unit in self.ELAPSED:
            width = self.n * self.ELAPSED[self.unit]
            midnight = day_start(day, self.zone)
            start = midnight + (ms - midnight) // width * width
            return start, min(start + width, day_start(day + 1, self.zone))
        if self.unit == "mo":
            there = date.fromordinal(day)
            index = (there.year - 1970) * 12 + there.month - 1
            first = index // self.n * self.n
            return self._month(first), self._month(first + self.n)
        width = self.n * (7 if self.unit == "w" else 1)
        origin = date(1969, 12, 29).toordinal() if self.unit == "w" else EPOCH_ORDINAL
        first = origin + (day - origin) // width * width
        return day_start(first, self.zone), day_start(first + width, self.zone)

    def _month(self, index):
        there = date(1970 + index // 12, index % 12 + 1, 1)
        return day_start(there.toordinal(), self.zone)

    def buckets(self, from_ms, until_ms):
        """All buckets that meet [from, until)."""
        out = []
        at = from_ms
        while at < until_ms:
            start, end = self.bucket(at)
            out.append((start, end))
            at = end
        return out
