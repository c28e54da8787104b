"""What looks wrong, by the rules of docs/checks.md, one rule a function over whole histories.

Rejects depend on the clock of arrival: only their counts by reason are here.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from . import number, reliability, timeline
from .answers import ALL, bounds
from .decode import SNOWFLAKE_EPOCH_MS
from .gaps import rank, reports_of
from .globs import matches

SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000
SEVERITIES = ("error", "warning", "note")
KINDS = (
    "silent-together",
    "out-of-range",
    "frozen",
    "offline",
    "silent",
    "gap",
    "unstable",
    "flapping",
    "jump",
    "clock-off",
    "clock-fault",
    "offline-without-online",
    "stale-offline",
    "rejects-rising",
    "rejects",
)


@dataclass
class Limits:
    ranges: list = field(default_factory=list)  # (glob, low or None, high or None), Fractions
    frozen_ms: int = 6 * HOUR
    frozen_readings: int = 30
    jump_milli: int = 10000
    gap_milli: int = 5000
    gap_least_ms: int = 10 * MINUTE
    silent_ms: int = 30 * MINUTE
    still_ms: int = 7 * DAY
    together: tuple = (5, 50)  # devices, percent; 0 devices: off
    offline_ms: int = DAY
    unstable_milli: int = 5000
    unstable_failures: int = 10
    flap_sessions: int = 5
    flap_ms: int = HOUR
    clock_ms: int = 5 * MINUTE


def bounds_of(limits, metric):
    part = metric.rpartition(".")[2]
    for glob, low, high in reversed(limits.ranges):
        if matches(glob, metric) or matches(glob, part):
            return low, high
    letters = "".join(c for c in part.lower() if c.isalpha() or ord(c) >= 128)
    if "color" not in letters and "colour" not in letters:
        short = ("temp", "tempc", "airtemp", "temperaturec", "roomtemp", "envtemp", "indoortemp", "outdoortemp")
        if letters.endswith(("temperature", "温度")) or letters in short:
            return Fraction(-60), Fraction(125)
    if "absolute" not in letters:
        if letters.endswith(("humidity", "湿度")) or letters in ("hum", "humi", "humid", "rh", "relhum"):
            return Fraction(0), Fraction(100)
    return None, None


def real(value):
    return number.nearest(value.fraction())


def decimals_of(value):
    """How many digits follow the point; more than any decimal has where it is a double."""
    exact = value.fraction()
    for digits in range(129):
        if (exact * 10**digits).denominator == 1:
            return digits
    return 255


def readings_by_metric(rows):
    out = defaultdict(list)
    for row in rows:
        for metric, value in row.values.items():
            out[metric].append((row.time_ms, value))
    return out


class Interval:
    """A long one without a report: the kinds that it is, each with whether it lasts."""

    def __init__(self, device, low, high, usual):
        self.device, self.low, self.high = device, low, high
        self.fall_until = min(low + 2 * usual, high - 1)
        self.kinds = {}
        self.joint = False


class Finder:
    def __init__(self, store, sel=ALL, limits=None):
        self.store, self.sel, self.limits = store, sel, limits or Limits()
        self.out = []
        self.intervals = defaultdict(list)  # by device
        self.low, self.high = bounds(store, sel)
        self.names = sel.names(store)
        self.rows = {d: sel.cut(store.rows_of(d)) for d in self.names}
        self.lines = {d: timeline.build(store.events_of(d)) for d in self.names}

    def add(self, severity, kind, device, metric, first, last, count):
        self.out.append((severity, kind, device, metric, first, last, count))

    def all(self):
        by_device = {d: readings_by_metric(self.rows[d]) for d in self.names}
        for device in self.names:
            for metric, values in by_device[device].items():
                self.out_of_range(device, metric, values)
                self.jumps(device, metric, values)
            self.absences(device)
            self.clock(device)
            self.flapping(device)
            self.offline_only(device)
            self.offline(device)
        self.unstable()
        self.together()
        self.alone()
        self.frozen(by_device)
        self.stale()
        self.whole_store()
        return sorted(self.out, key=self.place)

    @staticmethod
    def place(one):
        """Where a finding stands; silences of most have neither device nor metric and go by their first case."""
        severity, kind, device, metric, first, *_ = one
        names = [(name or "").encode() for name in (device, metric)]
        return (SEVERITIES.index(severity), KINDS.index(kind), *names, first if kind == "silent-together" else 0)

    # --- values ---

    def out_of_range(self, device, metric, values):
        low, high = bounds_of(self.limits, metric)
        found = []
        for time, value in values:
            exact = value.fraction()
            if low is not None and exact < low:
                found.append((time, real_of(low) - real(value)))
            elif high is not None and exact > high:
                found.append((time, real(value) - real_of(high)))
        if not found:
            return
        worst = max(excess for _, excess in found)
        slight = low is not None and high is not None and worst * 20 <= real_of(high) - real_of(low)
        severity = "warning" if slight else "error"
        self.add(severity, "out-of-range", device, metric, found[0][0], found[-1][0], len(found))

    def jumps(self, device, metric, values):
        changes = []
        for (t0, v0), (t1, v1) in zip(values, values[1:]):
            size = abs(real(v1) - real(v0))
            if size > 0 and t1 - t0 <= 2 * HOUR:
                changes.append((t1, size))
        if len(changes) < 50 or self.limits.jump_milli == 0:
            return
        usual = rank([size for _, size in changes], 19, 20)
        threshold = self.limits.jump_milli / 1000.0 * usual
        found = [t for t, size in changes if size > threshold]
        if found:
            self.add("warning", "jump", device, metric, found[0], found[-1], len(found))

    def stretches(self, values):
        """Runs of one value that are long enough: (first ms, last ms, readings, at the end)."""
        runs = []
        for time, value in values:
            if runs and runs[-1][3] == value:
                runs[-1][1] = time
                runs[-1][2] += 1
            else:
                runs.append([time, time, 1, value])
        limits = self.limits
        out = []
        for i, (first, last, count, value) in enumerate(runs):
            if limits.frozen_ms and count >= limits.frozen_readings and last - first >= limits.frozen_ms:
                out.append((first, last, count, i == len(runs) - 1, value))
        return out, len(runs) - 1

    def peers(self, by_device):
        """By metric: (device, decimals, longest stretch, many different values)."""
        out = defaultdict(list)
        for device in self.names:
            for metric, values in by_device[device].items():
                if len(values) <= 30 or values[-1][0] - values[0][0] < DAY:
                    continue
                longest = start = 0
                for i, (time, value) in enumerate(values):
                    if value != values[start][1]:
                        start = i
                    longest = max(longest, time - values[start][0])
                different = {value.fraction() for _, value in values}
                decimals = max(decimals_of(value) for _, value in values)
                out[metric].append((device, decimals, longest, len(different) >= 5))
        return out

    def stands_still(self, device, metric, values, length, peers):
        """One that never moved, while its peers do."""
        own = max(decimals_of(value) for _, value in values)
        others = [peer for peer in peers if peer[0] != device]
        alike = [peer for peer in others if peer[1] <= own]
        if len(alike) >= 2:
            others = alike
        lively = [peer for peer in others if peer[3] and 5 * peer[2] < length]
        air = bounds_of(Limits(), metric) != (None, None)
        alone = air and self.limits.still_ms and length >= self.limits.still_ms
        return (alone or len(others) >= 2) and 4 * len(lively) >= 3 * len(others)

    def frozen(self, by_device):
        suspects = []
        moving, judged = Counter(), Counter()
        peers = self.peers(by_device)
        for device in self.names:
            for metric, values in by_device[device].items():
                stretches, changes = self.stretches(values)
                longest = max(stretches, key=lambda s: (s[1] - s[0], -s[0]), default=None)
                steps = len(values) - 1 - (longest[2] - 1 if longest else 0)
                enough = steps >= 30
                moves = enough and 3 * changes >= steps
                judged[metric] += enough
                moving[metric] += moves
                if longest and (moves or not enough):
                    suspects.append((device, metric, stretches, longest, moves))
        for device, metric, stretches, longest, moved in suspects:
            if not moved and not (moving[metric] >= 2 and 2 * moving[metric] > judged[metric]):
                values, length = by_device[device][metric], longest[1] - longest[0]
                if not self.stands_still(device, metric, values, length, peers[metric]):
                    continue
            severity = "error" if moved and stretches[-1][3] else "warning"
            high = bounds_of(self.limits, metric)[1]
            if high is not None and longest[4].fraction() == high:
                severity = "note"
            self.add(severity, "frozen", device, metric, stretches[0][0], stretches[-1][1], len(stretches))

    # --- absences ---

    def longest_online(self, device, low, high):
        return max((s.inside(low, high) for s in self.lines[device].sessions), default=0)

    def absences(self, device):
        """All intervals that are longer than a limit: whether they are gaps or silences."""
        limits = self.limits
        reports = reports_of(self.rows[device])
        intervals = [b - a for a, b in zip(reports, reports[1:])]
        long, usual = 0, 0
        if intervals:
            usual = rank(intervals, 19, 20)
            long = usual * limits.gap_milli // 1000
        gap_limit = max(limits.gap_least_ms, long) if limits.gap_milli and len(intervals) >= 20 else None
        silent_limit = max(limits.silent_ms, long) if limits.silent_ms else None
        product = device.partition("/")[0]
        if not reports and not any(self.rows[d] for d in self.names if d.partition("/")[0] == product):
            return
        ends = [self.low, *reports, self.high] if reports else [self.low, self.high]
        for i, (low, high) in enumerate(zip(ends, ends[1:])):
            if high <= low or not any(limit is not None and high - low > limit for limit in (gap_limit, silent_limit)):
                continue
            state = self.lines[device].at(high)[0]
            at_end = high == self.high
            online = self.longest_online(device, low, high)
            unknown = self.lines[device].durations(low, high)["unknown"]
            unborn = i == 0 and self.sel.from_ms is None
            one = Interval(device, low, high, usual)
            if silent_limit is not None and online > silent_limit:
                one.kinds["silent"] = at_end and state == "online"
            if gap_limit is not None and not unborn and unknown > gap_limit:
                one.kinds["gap"] = at_end and state == "unknown"
            self.intervals[device].append(one)

    def alone(self):
        """What belongs to no joint silence, by device."""
        for device in self.names:
            for kind in ("gap", "silent"):
                found = [one for one in self.intervals[device] if not one.joint and kind in one.kinds]
                if found:
                    severity = "error" if any(one.kinds[kind] for one in found) else "warning"
                    self.add(severity, kind, device, None, found[0].low, found[-1].high, len(found))

    # --- most devices at once ---

    def sending(self, ms):
        """Devices that send at an instant: they did before, and are in no long interval."""
        count = 0
        for device in self.names:
            rows = self.rows[device]
            if rows and (self.sel.from_ms is not None or rows[0].time_ms <= ms):
                count += not any(one.low <= ms < one.high for one in self.intervals[device])
        return count

    def sent(self, one):
        """Whether the device sent before, or is expected to have."""
        rows = self.rows[one.device]
        return self.sel.from_ms is not None or (rows and rows[0].time_ms <= one.low)

    def are_most(self, count, ms):
        least, percent = self.limits.together
        return count >= max(least, 1) and 100 * count > percent * (count + self.sending(ms))

    def together(self):
        """Instants in a row at which most have just fallen silent, then that of them at which the most have."""
        if not self.limits.together[0]:
            return
        falls = [one for device in self.names for one in self.intervals[device] if one.kinds and self.sent(one)]
        rows, open_row = [], False
        for ms in sorted({one.low for one in falls}):
            fallen = sum(one.low <= ms <= one.fall_until for one in falls)
            most = self.are_most(fallen, ms)
            if most and not open_row:
                rows.append([])
            if most:
                rows[-1].append((-fallen, ms))
            open_row = most
        joints = []
        for row in rows:
            ms = min(row)[1]
            members = [one for one in falls if not one.joint and one.low <= ms <= one.fall_until]
            if not self.are_most(len(members), ms):
                continue
            back = rank([one.high for one in members], 1, 2)
            alike = [one for one in members if one.high - ms <= 2 * (back - ms)]
            least, percent = self.limits.together
            if len(alike) < least or 100 * len(alike) <= percent * (len(members) + self.sending(ms)):
                continue
            for one in alike:
                one.joint = True
            lasting = 2 * sum(any(one.kinds.values()) for one in alike) > len(alike)
            joints.append((lasting, min(o.low for o in alike), max(o.high for o in alike), len(alike)))
        over = [joint for joint in joints if not joint[0]]
        if len(over) > 5:
            sums = (False, min(o[1] for o in over), max(o[2] for o in over), sum(o[3] for o in over))
            joints = [joint for joint in joints if joint[0]] + [sums]
        for lasting, first, last, count in joints:
            self.add("error" if lasting else "warning", "silent-together", None, None, first, last, count)

    # --- clocks ---

    def clock(self, device):
        limit = self.limits.clock_ms
        rows = self.rows[device]
        own = [r for r in rows if r.source == "payload"]
        lent = [r for r in rows if r.source != "payload"]
        if not limit:
            return
        late = [(r.messageid >> 22) + SNOWFLAKE_EPOCH_MS - r.time_ms for r in own]
        ahead = [r.time_ms for r, by in zip(own, late) if limit < -by <= DAY]
        if ahead:
            self.add("warning", "clock-off", device, None, ahead[0], ahead[-1], len(ahead))
        elif len(own) >= 10 and limit < min(late) <= DAY:
            last = reports_of(rows)[-1]
            self.add("warning", "clock-off", device, None, rows[0].time_ms, last, len(own))
        if lent and len(own) > len(lent) and self.store.clock_faults:
            first, last = lent[0].time_ms, lent[-1].time_ms
            self.add("warning", "clock-fault", device, None, first, last, len(lent))

    # --- status ---

    def inside(self, ms):
        sel = self.sel
        return (sel.from_ms is None or ms >= sel.from_ms) and (sel.to_ms is None or ms < sel.to_ms)

    def offline(self, device):
        """Outages as a whole, but nothing behind the end of the range is known."""
        long = []
        for begin, end, _ in reliability.outages(self.lines[device]):
            end = self.high if end is None else min(end, self.high)
            if end > begin and end > self.low and end - begin > self.limits.offline_ms > 0:
                long.append((begin, end))
        if long:
            lasts = long[-1][1] == self.high and self.lines[device].at(self.high)[0] == "offline"
            severity = "error" if lasts else "warning"
            self.add(severity, "offline", device, None, long[0][0], long[-1][1], len(long))

    def unstable(self):
        rates = defaultdict(dict)
        for device in self.names:
            line = self.lines[device]
            ended = [s.end for s in line.sessions if s.end is not None and self.low <= s.end < self.high]
            held = line.durations(self.low, self.high)
            known = held["online"] + held["offline"]
            if known:
                rates[device.partition("/")[0]][device] = (Fraction(len(ended), known), ended)
        weekly = Fraction(1, 7 * DAY)
        for product in rates.values():
            usual = weekly
            if len(product) > 1:
                usual = max(weekly, rank([rate for rate, _ in product.values()], 1, 2))
            for device, (rate, ended) in product.items():
                if len(ended) < self.limits.unstable_failures or not self.limits.unstable_milli:
                    continue
                if rate * 1000 > self.limits.unstable_milli * usual:
                    self.add("warning", "unstable", device, None, ended[0], ended[-1], len(ended))

    def flapping(self, device):
        limits = self.limits
        n = limits.flap_sessions
        starts = [s.start for s in self.lines[device].sessions if self.inside(s.start)]
        crowd = set()
        for i in range(len(starts) - n + 1) if n and limits.flap_ms else ():
            if starts[i + n - 1] - starts[i] < limits.flap_ms:
                crowd.update(range(i, i + n))
        if crowd:
            first, last = starts[min(crowd)], starts[max(crowd)]
            self.add("warning", "flapping", device, None, first, last, len(crowd))

    def offline_only(self, device):
        line = self.lines[device]
        if any(self.inside(ms) for ms in line.repeats):
            return
        state, latest, found = "unknown", None, []
        for event in self.store.events_of(device):
            if event.state == "online":
                state, latest = "online", event.time_ms
                continue
            contact = event.last_contact
            if contact is not None and latest is not None and contact < latest - timeline.STALE_MS:
                continue
            if state == "offline" and self.inside(event.time_ms):
                found.append(event.time_ms)
            state = "offline"
        if found:
            self.add("warning", "offline-without-online", device, None, found[0], found[-1], len(found))

    def stale(self):
        found = [(ms, d) for d in self.names for ms in self.lines[d].stale if self.inside(ms)]
        devices = {d for _, d in found}
        if found:
            times = sorted(ms for ms, _ in found)
            name = devices.pop() if len(devices) == 1 else None
            self.add("note", "stale-offline", name, None, times[0], times[-1], len(times))

    def whole_store(self):
        if self.sel.devices or self.sel.products:
            return
        if self.store.clock_faults and self.sel.from_ms is None and self.sel.to_ms is None:
            self.add("warning", "clock-fault", None, None, None, None, self.store.clock_faults)


def real_of(fraction):
    return number.nearest(fraction)
