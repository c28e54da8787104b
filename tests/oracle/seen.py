"""Readings as --where and --alias make them be seen: a store with other rows, asked like any other.

An expression is a tree:
    ("<", metric, text), also <= > >= = == != <>        a comparison with a number
    ("between", metric, low, high), ("not between", ...)
    ("null", metric), ("not null", metric)
    ("not", tree), ("and", tree, tree), ("or", tree, tree)
"""
from . import number

COMPARE = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
}


def fraction_of(text):
    return number.value_of_text(text).fraction()


def truth(tree, values, canonical=lambda name: name):
    """True, False or None, which is unknown."""
    kind = tree[0]
    if kind == "not":
        inner = truth(tree[1], values, canonical)
        return None if inner is None else not inner
    if kind in ("and", "or"):
        sides = [truth(side, values, canonical) for side in tree[1:]]
        decides = kind == "or"
        if decides in sides:
            return decides
        return None if None in sides else not decides
    value = values.get(canonical(tree[1]))
    if kind == "null":
        return value is None
    if kind == "not null":
        return value is not None
    if value is None:
        return None
    value = value.fraction()
    if kind.endswith("between"):
        within = fraction_of(tree[2]) <= value <= fraction_of(tree[3])
        return within if kind == "between" else not within
    return COMPARE[kind](value, fraction_of(tree[2]))


class Aliases:
    """Definitions in order: [(metric, [other names])]."""

    def __init__(self, definitions=()):
        self.definitions = [(metric, list(others)) for metric, others in definitions]
        self.canonical_of = {}
        for metric, others in self.definitions:
            for name in [metric, *others]:
                self.canonical_of[name] = metric

    def canonical(self, name):
        return self.canonical_of.get(name, name)

    def names_of(self, metric):
        return [name for name, canonical in self.canonical_of.items() if canonical == metric]

    def values(self, row_values):
        """A row's values under their answered names: the first name in order that is there."""
        out = {n: v for n, v in row_values.items() if n not in self.canonical_of}
        for metric, others in self.definitions:
            there = [name for name in [metric, *others] if name in row_values]
            if there:
                out[metric] = row_values[there[0]]
        return out


class Seen:
    """Stands in for a Store in every question about readings."""

    def __init__(self, store, aliases=(), where=(), events_too=True):
        self.store = store
        self.aliases = Aliases(aliases)
        self.where = where
        self.with_events = not events_too or self.takes({})
        self.by_device = {}

    def takes(self, values):
        return all(truth(tree, values, self.aliases.canonical) is True for tree in self.where)

    def rows_of(self, device):
        if device not in self.by_device:
            rows = []
            for row in self.store.rows_of(device):
                values = self.aliases.values(row.values)
                if self.takes(values):
                    rows.append(row._replace(values=values))
            self.by_device[device] = rows
        return self.by_device[device]

    def events_of(self, device):
        return self.store.events_of(device) if self.with_events else []

    @property
    def devices(self):
        return self.store.devices

    @property
    def metrics(self):
        return sorted({self.aliases.canonical(m) for m in self.store.metrics}, key=str.encode)

    def default_metrics(self):
        """Of temperature and humidity what the store has, under the name that answers it; else all."""
        usual = [self.aliases.canonical(m) for m in ("temperature", "humidity")]
        return [m for m in dict.fromkeys(usual) if m in self.metrics] or self.metrics

    @property
    def first_ms(self):
        return self.store.first_ms

    @property
    def last_ms(self):
        return self.store.last_ms
