"""Deliveries in order -> what a store holds. One dictionary for everything, nothing clever."""
from collections import Counter, defaultdict

from .decode import Options, Stored, decode_body


def lines_of(data):
    """The bodies of a recorded set: LF or CRLF, blank lines skipped."""
    for line in data.split(b"\n"):
        if line.endswith(b"\r"):
            line = line[:-1]
        if line.strip(b" \t\r"):
            yield line


class Store:
    def __init__(self, options=Options(), decoded=None):
        """decoded: a dictionary body -> outcome that saves time where bodies come again."""
        self.options = options
        self.decoded = decoded
        self.ids = set()
        self.bodies = set()
        self.stored = self.duplicates = self.rejected = self.clock_faults = 0
        self.rows = []
        self.events = []
        self.rejects = []
        self._sorted = None

    def ingest(self, data):
        """A whole recorded set; returns what the summary must say."""
        before = (self.stored, self.duplicates, self.rejected)
        reasons = Counter()
        for body in lines_of(data):
            reason = self.take(body)
            if reason:
                reasons[reason] += 1
        stored, duplicates, rejected = (
            a - b for a, b in zip((self.stored, self.duplicates, self.rejected), before)
        )
        return {
            "received": stored + duplicates + rejected,
            "stored": stored,
            "duplicates": duplicates,
            "rejected": rejected,
            "reasons": dict(reasons),
            "bytes": len(data),
        }

    def take(self, body):
        """One delivery; returns the reason of a rejection, else None."""
        self._sorted = None
        outcome = self._decode(body)
        if outcome.messageid is not None:
            if outcome.messageid in self.ids:
                self.duplicates += 1
                return None
            self.ids.add(outcome.messageid)
        else:
            if body in self.bodies:
                self.duplicates += 1
                return None
            self.bodies.add(body)
        if not isinstance(outcome, Stored):
            self.rejected += 1
            self.rejects.append(outcome)
            return outcome.reason
        self.stored += 1
        for one in outcome.rows + ([outcome.event] if outcome.event else []):
            self.clock_faults += one.fault
        self.rows += outcome.rows
        if outcome.event:
            self.events.append(outcome.event)
        return None

    def _decode(self, body):
        if self.decoded is None:
            return decode_body(body, self.options)
        if body not in self.decoded:
            self.decoded[body] = decode_body(body, self.options)
        return self.decoded[body]

    # --- views, built once after the last ingest ---

    def _views(self):
        if self._sorted is None:
            rows, events = defaultdict(list), defaultdict(list)
            for row in self.rows:
                rows[row.device].append(row)
            for event in self.events:
                events[event.device].append(event)
            for by_device in (rows, events):
                for of_device in by_device.values():
                    of_device.sort(key=lambda one: (one.time_ms, one.messageid))
            names = sorted(set(rows) | set(events), key=str.encode)
            times = [one.time_ms for one in self.rows] + [one.time_ms for one in self.events]
            metrics = sorted({name for row in self.rows for name in row.values}, key=str.encode)
            ends = (min(times, default=None), max(times, default=None))
            self._sorted = (rows, events, names, ends, metrics)
        return self._sorted

    def rows_of(self, device):
        return self._views()[0].get(device, [])

    def events_of(self, device):
        return self._views()[1].get(device, [])

    @property
    def devices(self):
        return self._views()[2]

    @property
    def metrics(self):
        return self._views()[4]

    @property
    def first_ms(self):
        return self._views()[3][0]

    @property
    def last_ms(self):
        return self._views()[3][1]
