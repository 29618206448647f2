"""Names: one class name means one thing."""

import ast
from collections import defaultdict

from suite.catalogue import CHECKOUT

# services/ is not among them: the twins of a library, sync and async, have the same names for the same things.
ROOMS = ("suite", "db", "locustfiles", "bench")


def test_no_two_classes_have_one_name() -> None:
    """A reader of a name in a signature knows which class it is. An underscore before it makes no other name."""
    found = defaultdict[str, list[str]](list)
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name.lstrip("_")].append(f"{path.relative_to(CHECKOUT)}:{node.lineno}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
