"""Scenarios from outside the tree: a plan or an option names their files, and the plan then has their names."""

import re
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from suite import catalogue
from suite.catalogue import Scenario
from suite.errors import CatalogueError, PlanError

SUFFIX = ".py"
HOW = "see docs/adding-a-service.md"
COPIES = "scenarios"
"""Where a run keeps a copy of each, in its folder."""
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def is_file(entry: object) -> bool:
    """Whether an entry of `matrix.scenarios` is a file, and not a scenario's name."""
    return isinstance(entry, str) and entry.endswith(SUFFIX)


def name_of(entry: Any) -> Any:
    """The name of a scenario that a plan names by its file; any other entry as it is."""
    return Path(entry).stem if is_file(entry) else entry


def with_names(written: Mapping[str, Any]) -> dict[str, Any]:
    """A plan's tables with names in place of files, which are not read."""
    matrix = written.get("matrix")
    if not isinstance(matrix, dict) or "scenarios" not in matrix:
        return dict(written)
    entries = matrix["scenarios"]
    names = [name_of(one) for one in entries] if isinstance(entries, list) else name_of(entries)
    return {**written, "matrix": {**matrix, "scenarios": names}}


def of_plan(entries: object, plan: Path) -> dict[str, Scenario]:
    """Those that a plan names, by name. Raises PlanError that names plan, file and remedy.

    Their paths start at the plan's folder. A run's own plan means the copies that the run keeps.
    """
    folder = plan.parent
    of_a_run = (folder / "plan.json").exists()

    def place(entry: str) -> Path:
        return folder / COPIES / Path(entry).name if of_a_run else folder / Path(entry).expanduser()

    files = [(entry, place(entry)) for entry in _files(entries)]
    return _read(files, f"{plan}: matrix.scenarios", ", which starts at the folder of the plan")


def of_options(entries: object, option: str) -> dict[str, Scenario]:
    """Those that an option names, by name. Raises PlanError that names option, file and remedy."""
    files = [(entry, Path(entry).expanduser()) for entry in _files(entries)]
    return _read(files, option, ", which starts at the working folder")


def _files(entries: object) -> list[str]:
    return [str(one) for one in (entries if isinstance(entries, list) else [entries]) if is_file(one)]


def _read(files: Iterable[tuple[str, Path]], where: str, start: str) -> dict[str, Scenario]:
    found, named = dict[str, Scenario](), dict[str, str]()
    for entry, given in files:
        path = given.parent.resolve() / given.name
        if not path.is_file():
            whence = "" if Path(entry).expanduser().is_absolute() else start
            raise PlanError(f"{where}: there is no file {str(given)!r}; check the path of the scenario{whence}")
        if path.parent == catalogue.SCENARIOS and path.stem in catalogue.scenarios():
            continue  # the tree's own, by its path
        if why := refusal(path):
            raise PlanError(f"{where}: {entry} {why}")
        if path.stem in found and found[path.stem].path == path:
            continue  # the model says that each may be there only once
        if path.stem in found:
            raise PlanError(f"{where}: {named[path.stem]} and {entry} have the same name; rename one of the files")
        try:
            found[path.stem] = catalogue.scenario_elsewhere(path, entry)
        except CatalogueError as error:
            how = "" if HOW in str(error) else f"; {HOW}"
            raise PlanError(f"{where}: {error}{how}") from None
        named[path.stem] = entry
    return found


def refusal(path: Path) -> str:
    """Why a file cannot be a scenario because of its name, and the remedy. Empty if it can."""
    name = path.stem
    if not NAME.fullmatch(name):
        return "cannot name a scenario: a name has letters, digits and _, and begins with a letter; rename the file"
    if name in catalogue.scenarios():
        return f"has the name of the scenario locustfiles/{name}.py; rename the file, such as my_{name}.py"
    if _is_module(path):
        return f"has the name of a Python module, and Locust would mix them up; rename the file, such as my_{name}.py"
    return ""


def _is_module(path: Path) -> bool:
    """Whether an import of this name finds something else: Locust loads a scenario as a module of its name."""
    elsewhere = [one for one in sys.path if Path(one).resolve() != path.parent]
    found = PathFinder.find_spec(path.stem, elsewhere)
    return path.stem in sys.stdlib_module_names or (found is not None and found.origin is not None)


def check_beside_all(scenario: Scenario) -> None:
    """Raise PlanError for one that the web UI cannot offer beside all of the tree: a class or a parameter is taken."""
    for other in catalogue.scenarios().values():
        if scenario.user == other.user:
            raise PlanError(
                f"{scenario.path}: class {scenario.user}: locustfiles/{other.name}.py has a class of this name, and the"
                " web UI offers both; choose another name"
            )
        for name, parameter in scenario.parameters.items():
            if other.parameters.get(name, parameter) != parameter:
                raise PlanError(
                    f"{scenario.path}: PARAMETERS.{name}: locustfiles/{other.name}.py declares it differently, and the"
                    " web UI has one field for each name; choose another name"
                )
