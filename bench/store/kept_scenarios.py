"""A run's own copies of scenarios from outside the tree: it can be read where their files have gone."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.plan import outside
from bench.store import files
from suite import catalogue
from suite.catalogue import Scenario
from suite.errors import CatalogueError, ResultsError

IN_PLAN = "scenarios"
"""The key of plan.json that has the file of each."""


@dataclass(frozen=True)
class Again:
    """A scenario of a run that is continued: its file if that is still there, otherwise the run's copy."""

    scenario: Scenario
    copy: Path

    @property
    def has_changed(self) -> bool:
        """Whether the file is another one than the copy."""
        return digest(self.scenario.path) != digest(self.copy)


def keep(folder: Path, scenarios: Iterable[Scenario]) -> None:
    """Copy their files to a run's folder. Raises ResultsError that names what cannot be read or written."""
    for one in scenarios:
        try:
            text = one.path.read_text(encoding="utf-8")
            (folder / outside.COPIES).mkdir(exist_ok=True)
        except (OSError, ValueError) as error:
            raise ResultsError(f"cannot copy {one.path} to {folder / outside.COPIES}: {error}") from None
        files.write_whole(copy(folder, one.name), text)


def copy(folder: Path, name: str) -> Path:
    """The copy of one scenario."""
    return folder / outside.COPIES / f"{name}{outside.SUFFIX}"


def origins(written: Mapping[str, Any]) -> dict[str, str]:
    """By name, where each file was, from a plan.json. Raises ResultsError where that has something else."""
    found = written.get(IN_PLAN, {})
    if not isinstance(found, dict) or not all(
        re.fullmatch(outside.NAME, name) and isinstance(place, str) for name, place in found.items()
    ):
        raise ResultsError(f"plan.json: {IN_PLAN}: it does not have a file for each name of a scenario")
    return found


def read(folder: Path, written: Mapping[str, Any]) -> dict[str, Scenario]:
    """The scenarios of the copies, by name. `written` is the run's plan.json. Raises ResultsError that names a file."""
    return {name: _scenario(copy(folder, name)) for name in origins(written)}


def again(folder: Path, written: Mapping[str, Any]) -> tuple[Again, ...]:
    """What a resumed run measures. Raises ResultsError that names a file that cannot be read."""
    return tuple(_again(copy(folder, name), Path(place)) for name, place in origins(written).items())


def by_name(scenarios: Iterable[Again]) -> dict[str, Scenario]:
    """What is measured, by name."""
    return {one.scenario.name: one.scenario for one in scenarios}


def check_unchanged(run_id: str, scenarios: Iterable[Again]) -> None:
    """Raise ResultsError if a file is no longer the one that was measured. One that is gone is no obstacle."""
    changed = next((one for one in scenarios if one.has_changed), None)
    if changed is not None:
        raise ResultsError(
            f"the scenario {changed.scenario.path} has changed since {run_id} measured it. The run's copy is"
            f" {changed.copy}: put that in its place, or remove the file, and the run continues with its copy."
            " --force continues with the changed file, and the report then says so"
        )


def _again(kept: Path, place: Path) -> Again:
    _scenario(kept)
    return Again(_scenario(place if place.is_file() else kept), kept)


def _scenario(path: Path) -> Scenario:
    try:
        return catalogue.scenario_elsewhere(path, str(path))
    except CatalogueError as error:
        raise ResultsError(str(error)) from None


def digest(path: Path) -> str:
    """Of a file's content. Raises ResultsError that names a file that cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from None
