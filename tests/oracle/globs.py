"""Globs over whole names: * (also /), ? one character, [...], \\ escapes."""
import re
from functools import lru_cache


@lru_cache(None)
def pattern(glob):
    out = ""
    i = 0
    while i < len(glob):
        c = glob[i]
        if c == "*":
            out += ".*"
        elif c == "?":
            out += "."
        elif c == "\\" and i + 1 < len(glob):
            i += 1
            out += re.escape(glob[i])
        elif c == "[" and glob.find("]", i + 2) > 0:
            end = glob.find("]", i + 2)
            inner = glob[i + 1 : end]
            negated = inner[:1] in ("!", "^")
            inner = inner[1:] if negated else inner
            out += "[" + ("^" if negated else "") + inner.replace("\\", "\\\\") + "]"
            i = end
        else:
            out += re.escape(c)
        i += 1
    return re.compile(out, re.DOTALL)


def matches(glob, text):
    return pattern(glob).fullmatch(text) is not None


def device_matches(glob, device):
    return matches(glob, device) or matches(glob, device.partition("/")[2])
