#!/usr/bin/env python3
"""Refuses an #include that layers.deps does not allow, and a source that does not include its own header first.

  tools/check_layers.py            exit 0 and a summary, or 1 and one line per offence
  tools/check_layers.py --matrix   the dependency structure matrix: x used, - allowed but unused
  tools/check_layers.py --dot      the same as a graph for graphviz
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def read_rules():
    rules = {}
    for line in (ROOT / "layers.deps").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        layer, _, allowed = line.partition(":")
        layer, names = layer.strip(), allowed.split()
        for name in names:
            if name != "*" and name not in rules:
                sys.exit(f"layers.deps: '{layer}' names '{name}', which has no line above it")
        rules[layer] = set(rules) if names == ["*"] else set(names)
    return rules


def layer_of(path, rules):
    """The layer a path below src/ belongs to: the longest folder with a rule."""
    parts = pathlib.PurePosixPath(path).parts[:-1]
    for depth in range(len(parts), 0, -1):
        name = "/".join(parts[:depth])
        if name in rules:
            return name
    return None


def own_header_comes_first(source, name, lines):
    """X.cc includes X.h before anything else, so that compiling X.cc shows that X.h needs nothing but itself."""
    own = name.removesuffix(".cc") + ".h"
    if source.suffix != ".cc" or not source.with_suffix(".h").exists():
        return []
    for number, line in enumerate(lines, 1):
        if line.startswith("#include"):
            return [] if line == f'#include "{own}"' else [f"src/{name}:{number}: its own header '{own}' does not come first"]
    return [f"src/{name}: does not include its own header '{own}'"]


def scan(rules):
    used, errors = {}, []
    for source in sorted((ROOT / "src").rglob("*")):
        if source.suffix not in {".h", ".cc", ".y", ".l"}:
            continue
        name = source.relative_to(ROOT / "src").as_posix()
        layer = layer_of(name, rules)
        if layer is None:
            errors.append(f"src/{name}: its folder has no line in layers.deps")
            continue
        lines = source.read_text().splitlines()
        errors += own_header_comes_first(source, name, lines)
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            target = match and layer_of(match.group(1), rules)
            if not target or target == layer:
                continue
            used.setdefault((layer, target), f"src/{name}:{number}")
            if target not in rules[layer]:
                errors.append(f"src/{name}:{number}: '{layer}' may not include '{match.group(1)}' of '{target}'")
    return used, errors


def matrix(rules, used):
    width = max(map(len, rules)) + 1
    for row in rules:
        cells = ("#" if row == col else "x" if (row, col) in used else "-" if col in rules[row] else "." for col in rules)
        print(row.ljust(width), " ".join(cells))


def dot(rules, used):
    print("digraph layers { rankdir=TB;")
    for layer, allowed in rules.items():
        for target in sorted(allowed):
            style = "" if (layer, target) in used else " [style=dotted]"
            print(f'  "{layer}" -> "{target}"{style};')
    print("}")


def main():
    rules = read_rules()
    used, errors = scan(rules)
    if "--matrix" in sys.argv:
        return matrix(rules, used)
    if "--dot" in sys.argv:
        return dot(rules, used)
    print("\n".join(errors) if errors else f"layers: {len(rules)} folders, {len(used)} edges in use, none forbidden, each own header first")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
