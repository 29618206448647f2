"""Names: one class name means one thing, and a module's tests are where its name says."""

import ast
from collections import defaultdict
from pathlib import Path

from suite.catalogue import CHECKOUT

# services/ is not among them: the twins of a library, sync and async, have the same names for the same things.
ROOMS = ("suite", "db", "locustfiles", "bench")
# These reach no process, network or database, so that all of their tests are unit tests.
PURE = ("plan", "analysis", "compare", "report")


def test_no_two_classes_have_one_name() -> None:
    """A reader of a name in a signature knows which class it is. An underscore before it makes no other name."""
    found = defaultdict[str, list[str]](list)
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name.lstrip("_")].append(f"{path.relative_to(CHECKOUT)}:{node.lineno}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_every_module_of_a_pure_package_has_its_tests_at_its_own_path() -> None:
    """bench/plan/file.py in tests/unit/plan/test_file.py. A module that has nothing but a docstring needs none."""
    bench, unit = CHECKOUT / "bench", CHECKOUT / "tests" / "unit"
    modules = [path for package in PURE for path in sorted((bench / package).rglob("*.py")) if has_code(path)]
    namesakes = [unit / path.relative_to(bench).with_name(f"test_{path.name}") for path in modules]
    missing = [str(path.relative_to(CHECKOUT)) for path in namesakes if not path.is_file()]
    assert not missing, "missing:\n" + "\n".join(missing)


def has_code(path: Path) -> bool:
    """Whether a module defines anything; __init__.py of a package says only what the package is."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name != "__init__.py" and not all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
    )
