"""Functions and constructs that this project does without.

Each of them has a safe counterpart: bounded writers, re-entrant calls, engine/base/mem.h.
"""

import re

import source_tree

FUNCTIONS = {
    "strcpy strcat strncpy strncat stpcpy": "copy with a known length",
    "sprintf vsprintf": "snprintf",
    "gets": "fgets or getline",
    "strtok": "strtok_r or a cursor",
    "gmtime localtime ctime asctime": "engine/civil, or the _r form",
    "atoi atol atoll atof": "a strict parser of numbers",
    "alloca": "a bounded array or an arena",
    "tmpnam tempnam mktemp": "mkstemp",
    "rand srand": "a seeded generator of our own",
    "system popen": "posix_spawn with arguments",
}
ALLOCATION = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf aligned_alloc posix_memalign"
CONSTRUCTS = {
    r"\bNOLINT": "no suppressions: mend it, or change the configuration with a reason",
    r"\bno_sanitize\b": "no suppressions",
    r"#[ \t]*pragma[ \t]+(?:GCC|clang)[ \t]+diagnostic": "no suppressions",
    r"\btypedef[ \t]+struct\b": "structs have tags, not typedefs",
    r"#[ \t]*define[ \t]+_(?:GNU|POSIX_C|DEFAULT)_SOURCE": "the build defines _GNU_SOURCE for all",
}


def pattern(names):
    # Not a member and not the end of a longer name: cJSON_free( and pool->free( are others.
    return re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")[ \t]*\(")


def find(root):
    banned = [(pattern(names), better) for names, better in FUNCTIONS.items()]
    allocation = (pattern(ALLOCATION), "engine/base/mem.h")
    constructs = [(re.compile("(" + text + ")"), better) for text, better in CONSTRUCTS.items()]
    for relative in source_tree.c_files(root):
        path = relative.as_posix()
        text = (root / path).read_text(errors="replace")
        code = source_tree.code_only(text)
        rules = list(banned)
        if not path.startswith(("engine/base/", "tests/")):
            rules.append(allocation)
        hits = [(match, better) for rule, better in rules for match in rule.finditer(code)]
        # Suppressions live in comments, so these rules read the whole text.
        hits += [(match, better) for rule, better in constructs for match in rule.finditer(text)]
        for match, better in hits:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {match.group(1)}: {better}"


if __name__ == "__main__":
    source_tree.run("banned", find)
