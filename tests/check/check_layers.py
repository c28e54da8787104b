"""Dependencies point one way, and modules see of each other what is meant to be seen.

    ingest -> engine, cli      query -> engine, cli      bench -> engine, ingest, query, cli
    sql -> engine, query, cli
    cli -> engine/base         engine -> nothing         tests -> everything

Includes are written from the root. Of an engine module others include only engine/X/X.h (engine/base
is a shelf: all of it); X_internal.h is for its own folder and for tests. Modules, which are folders,
form no cycles; a main.c stands above all of them, for nothing can use it. Some libraries belong to one
place.
"""

import re

import source_tree

ALLOWED = {
    "engine": ("engine/",),
    "cli": ("cli/", "engine/base/"),
    "ingest": ("ingest/", "engine/", "cli/"),
    "query": ("query/", "engine/", "cli/"),
    "sql": ("sql/", "query/", "engine/", "cli/"),
    "bench": ("bench/", "ingest/", "query/", "engine/", "cli/"),
    "tests": ("tests/", "sql/", "bench/", "ingest/", "query/", "engine/", "cli/"),
}

# Header of a library -> where it may be used (tests may use any).
LIBRARIES = {
    "lmdb.h": ("engine/",),
    "xxhash.h": ("engine/",),
    "cjson": ("ingest/", "query/", "bench/"),
    "openssl": ("ingest/",),
    "curl": ("ingest/",),
    "libxml": ("ingest/",),
    "zlib.h": ("ingest/", "bench/"),
    "zstd.h": ("ingest/", "bench/"),
    "microhttpd.h": ("ingest/", "bench/"),
    "ini.h": ("ingest/",),
    "sqlite3.h": ("sql/",),
    "sqlite3ext.h": ("sql/",),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def module_of(path):
    """The folder that is the module: two levels in layers with modules, else one."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def includes(root, path):
    text = source_tree.code_only((root / path).read_text(errors="replace"), keep_strings=True)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2)


def judge_library(path, header):
    for library, places in LIBRARIES.items():
        if header == library or header.startswith(library + "/"):
            if not path.startswith(places + ("tests/",)):
                return f"<{header}> belongs to {' and '.join(places)}"
    if header.startswith(tuple(folder + "/" for folder in source_tree.C_FOLDERS)):
        return f"<{header}> is a header of ours: write it in quotes"
    return None


def judge_own(root, path, header):
    """What is wrong with `path` including our `header`, or None."""
    layer = path.split("/")[0]
    folder = path.rsplit("/", 1)[0]
    target_folder, _, target_name = header.rpartition("/")
    if "." in header.split("/") or ".." in header.split("/"):
        return f'"{header}" is relative: write it from the root'
    if not (root / header).is_file():
        return f'"{header}" is no file from the root'
    if not header.startswith(ALLOWED[layer]):
        return f'"{header}": {layer} may use only {", ".join(ALLOWED[layer])}'
    if folder == target_folder or layer == "tests":
        return None
    if target_name.endswith("_internal.h"):
        return f'"{header}" is private to {target_folder}'
    parts = header.split("/")
    if parts[0] == "engine" and len(parts) > 2 and parts[1] != "base":
        public = f"engine/{parts[1]}/{parts[1]}.h"
        if header != public and module_of(path) != module_of(header):
            return f'"{header}" is not the public header of its module, {public}'
    return None


def find_cycle(edges):
    """A cycle among the modules as a list of names, or None."""
    state = {}

    def visit(module, trail):
        state[module] = "open"
        for target in sorted(edges.get(module, ())):
            if state.get(target) == "open":
                return trail[trail.index(target):] + [target]
            if target not in state:
                cycle = visit(target, trail + [target])
                if cycle:
                    return cycle
        state[module] = "done"
        return None

    for module in sorted(edges):
        if module not in state:
            cycle = visit(module, [module])
            if cycle:
                return cycle
    return None


def find(root):
    edges = {}
    for relative in source_tree.c_files(root):
        path = relative.as_posix()
        for line, kind, header in includes(root, path):
            wrong = (judge_own(root, path, header) if kind == '"' else judge_library(path, header))
            if wrong:
                yield f"{path}:{line}: {wrong}"
            elif kind == '"' and not path.startswith("tests/") and relative.name != "main.c":
                source, target = module_of(path), module_of(header)
                if source != target:
                    edges.setdefault(source, set()).add(target)
    cycle = find_cycle(edges)
    if cycle:
        yield "modules in a circle: " + " -> ".join(cycle)


if __name__ == "__main__":
    source_tree.run("layers", find)
