"""RFC 8259 with the house rules: UTF-8 only, no NaN, no half surrogates, doubles' range, 64 levels.

Numbers come back as Num: their text, untouched. Objects come back as dicts in the order of the
members that count: of equal names only the last one exists.
"""
import json
import math
import re

MAX_DEPTH = 64
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


class Num(str):
    """The text of a JSON number."""

    __slots__ = ()


class Refused(Exception):
    pass


def in_double_range(text):
    return not math.isinf(float(text))


def is_number_text(text):
    """True when a string is exactly a JSON number a double can reach."""
    return NUMBER.fullmatch(text) is not None and in_double_range(text)


def _number(text):
    if not in_double_range(text):
        raise Refused("beyond doubles")
    return Num(text)


def _constant(name):
    raise Refused(name)


def _object(pairs):
    out = {}
    for name, value in pairs:
        out.pop(name, None)
        out[name] = value
    return out


def _check_depth(text):
    depth = 0
    inside = False
    escaped = False
    for c in text:
        if inside:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                inside = False
        elif c == '"':
            inside = True
        elif c in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise Refused("too deep")
        elif c in "}]":
            depth -= 1


def _check_strings(value):
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, member in value.items():
            name.encode("utf-8")
            _check_strings(member)
    elif isinstance(value, list):
        for member in value:
            _check_strings(member)


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant
)


class _Raw:
    """Keeps every pair, for the check of half surrogates in members that do not count."""

    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: [x for pair in pairs for x in pair],
        parse_int=Num,
        parse_float=Num,
        parse_constant=_constant,
    )


def parse_text(text):
    try:
        if text.count("{") + text.count("[") > MAX_DEPTH:
            _check_depth(text)
        if "\\u" in text:
            _check_strings(_Raw.decoder.decode(text))
        return _decoder.decode(text)
    except (ValueError, RecursionError) as e:
        raise Refused(str(e)) from None


def parse_bytes(data):
    try:
        return parse_text(data.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise Refused(str(e)) from None
