"""The timeline of one device, by the six rules."""
from dataclasses import dataclass, field

STALE_MS = 1000


@dataclass
class Session:
    start: int
    end: int | None = None  # None: open in all history
    repeats: int = 0

    def meets(self, from_ms, to_ms):
        after = self.end is None or self.end > from_ms or self.start >= from_ms
        return self.start < to_ms and after

    def inside(self, from_ms, to_ms):
        end = to_ms if self.end is None else min(self.end, to_ms)
        return max(0, end - max(self.start, from_ms))


@dataclass
class Timeline:
    sessions: list = field(default_factory=list)
    changes: list = field(default_factory=list)  # (ms, state), in order
    repeats: list = field(default_factory=list)  # ms of every repeat
    stale: list = field(default_factory=list)  # ms of every stale offline

    def at(self, ms):
        """(state, since) with the changes at that instant included."""
        state, since = "unknown", None
        for when, what in self.changes:
            if when <= ms:
                state, since = what, when
        return state, since

    def durations(self, from_ms, to_ms):
        out = {"online": 0, "offline": 0, "unknown": 0}
        state, begin = "unknown", from_ms
        for when, what in self.changes + [(to_ms, None)]:
            end = min(max(when, from_ms), to_ms)
            if end > begin:
                out[state] += end - begin
                begin = end
            if what is not None:
                state = what
            if when >= to_ms:
                break
        return out


def build(events, keep_stale=False, offline_at="time"):
    """events: all of one device, in order of (time, messageid)."""
    line = Timeline()
    state = "unknown"
    latest_online = None
    for event in events:
        if event.state == "online":
            latest_online = event.time_ms
            if state == "online":
                line.sessions[-1].repeats += 1
                line.repeats.append(event.time_ms)
            else:
                line.sessions.append(Session(event.time_ms))
                line.changes.append((event.time_ms, "online"))
                state = "online"
            continue
        contact = event.last_contact
        if not keep_stale and contact is not None and latest_online is not None:
            if contact < latest_online - STALE_MS:
                line.stale.append(event.time_ms)
                continue
        if state == "offline":
            continue
        when = event.time_ms
        if state == "online":
            session = line.sessions[-1]
            if offline_at == "last-contact" and contact is not None:
                when = max(session.start, min(contact, when))
            session.end = when
        line.changes.append((when, "offline"))
        state = "offline"
    return line
