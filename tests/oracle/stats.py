"""Aggregates over the values of one group and bucket, with unlimited integers and fractions."""
from collections import namedtuple
from fractions import Fraction

from . import number


class Exact(str):
    """The exact text a number must be printed as."""


class Loose:
    """A result that involves doubles: its exact text or its nearest double are both right."""

    def __init__(self, fraction):
        self.fraction = fraction

    def __repr__(self):
        return f"Loose({number.nearest(self.fraction)!r})"


Time = namedtuple("Time", "ms")
Sample = namedtuple("Sample", "time_ms messageid device value hold_ms")


class Group:
    """Samples of one metric, one group, one bucket."""

    def __init__(self, samples):
        self.samples = sorted(samples, key=lambda s: (s.time_ms, s.messageid))
        self.exact = all(s.value.exact for s in self.samples)
        if self.exact:
            # Common denominator: integers are quicker than fractions and just as exact.
            low = min((s.value.exponent for s in self.samples), default=0)
            low = min(low, 0)
            self.unit = Fraction(1, 10**-low)
            self.numbers = [s.value.mantissa * 10 ** (s.value.exponent - low) for s in self.samples]
        else:
            self.unit = Fraction(1)
            self.numbers = [s.value.fraction() for s in self.samples]

    def _exact(self, amount):
        fraction = amount * self.unit
        return Exact(number.plain(fraction)) if self.exact else Loose(fraction)

    def _average(self):
        return Fraction(sum(self.numbers)) * self.unit / len(self.numbers)

    def aggregate(self, name):
        if name == "count":
            return len(self.numbers)
        if not self.numbers:
            return None
        if name.startswith("p") and name[1:2].isdigit():
            return self._percentile(Fraction(name[1:]))
        return getattr(self, "_" + name)()

    def _sum(self):
        if self.exact:
            return self._exact(sum(self.numbers))
        return number.nearest(sum(self.numbers))

    def _avg(self):
        return number.nearest(self._average())

    def _min(self):
        return self._exact(min(self.numbers))

    def _max(self):
        return self._exact(max(self.numbers))

    def _first(self):
        return self._exact(self.numbers[0])

    def _last(self):
        return self._exact(self.numbers[-1])

    def _spread(self):
        return self._exact(max(self.numbers) - min(self.numbers))

    def _min_time(self):
        return Time(self.samples[self.numbers.index(min(self.numbers))].time_ms)

    def _max_time(self):
        return Time(self.samples[self.numbers.index(max(self.numbers))].time_ms)

    def _stddev(self):
        n = len(self.numbers)
        if n < 2:
            return None
        # n * sum of squares - square of sum, over n (n - 1)
        spread = n * sum(x * x for x in self.numbers) - sum(self.numbers) ** 2
        return number.nearest_sqrt(Fraction(spread) * self.unit**2 / (n * (n - 1)))

    def _median(self):
        return self._percentile(Fraction(50))

    def _percentile(self, percent):
        ranked = sorted(self.numbers)
        place = (len(ranked) - 1) * percent / 100
        low = place.numerator // place.denominator
        part = place - low
        below = ranked[low]
        above = ranked[min(low + 1, len(ranked) - 1)]
        return self._exact(below + part * (above - below))

    def _twa(self):
        total = sum(s.hold_ms for s in self.samples)
        if total == 0:
            return self._avg()
        weighted = sum(x * s.hold_ms for x, s in zip(self.numbers, self.samples))
        return number.nearest(Fraction(weighted) * self.unit / total)
