"""Readings: exact decimals where the contract says so, else the nearest double."""
import math
import re
from fractions import Fraction

_PARTS = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?", re.ASCII)


class Value:
    """One reading. exact: mantissa * 10**exponent, mantissa without trailing zeros."""

    __slots__ = ("mantissa", "exponent", "double")

    def __init__(self, mantissa, exponent, double=None):
        self.mantissa = mantissa
        self.exponent = exponent
        self.double = double

    @property
    def exact(self):
        return self.double is None

    def fraction(self):
        if self.double is not None:
            return Fraction(self.double)
        if self.exponent >= 0:
            return Fraction(self.mantissa * 10**self.exponent)
        return Fraction(self.mantissa, 10**-self.exponent)

    def __eq__(self, other):
        return self.key() == other.key()

    def key(self):
        return (self.mantissa, self.exponent, self.double)

    def __repr__(self):
        return f"Value({self.mantissa}e{self.exponent}, {self.double})"


def value_of_text(text):
    sign, whole, part, power = _PARTS.fullmatch(text).groups()
    digits = whole + (part or "")
    stripped = digits.rstrip("0")
    significant = stripped.lstrip("0")
    if not significant:
        return Value(0, 0)
    # The last digit that is no zero stands here:
    power = power or "0"
    exponent = _clamped(power) - len(part or "") + (len(digits) - len(stripped))
    if len(significant) <= 18 and -128 <= exponent <= 127:
        mantissa = int(significant)
        return Value(-mantissa if sign else mantissa, exponent)
    double = float(text)
    return Value(None, None, double if double != 0 else 0.0)


def _clamped(power):
    sign = -1 if power.startswith("-") else 1
    digits = power.lstrip("+-").lstrip("0") or "0"
    return sign * (int(digits) if len(digits) < 10 else 10**10)


ONE = Value(1, 0)
ZERO = Value(0, 0)


def nearest(fraction):
    """The double nearest to a fraction, None beyond their range. Never -0."""
    try:
        out = fraction.numerator / fraction.denominator
    except OverflowError:
        return None
    return out if out != 0 else 0.0


def nearest_sqrt(fraction):
    """The double nearest to the square root of a fraction >= 0."""
    p, q = fraction.numerator, fraction.denominator
    if p == 0:
        return 0.0
    shift = max(0, 80 - (p.bit_length() - q.bit_length()) // 2)
    scaled, rest = divmod(p << (2 * shift), q)
    root = math.isqrt(scaled)
    sticky = 1 if rest or root * root != scaled else 0
    return nearest(Fraction(2 * root + sticky, 1 << (shift + 1)))


def plain(fraction):
    """A finite decimal in plain notation, without trailing zeros."""
    p, q = fraction.numerator, fraction.denominator
    twos = fives = 0
    while q % 2 == 0:
        q //= 2
        twos += 1
    while q % 5 == 0:
        q //= 5
        fives += 1
    if q != 1:
        raise ValueError("no finite decimal")
    places = max(twos, fives)
    digits = str(abs(p) * 2 ** (places - twos) * 5 ** (places - fives))
    sign = "-" if p < 0 else ""
    if places == 0:
        return sign + digits
    digits = digits.rjust(places + 1, "0")
    return sign + digits[:-places] + "." + digits[-places:]
