"""A copy of services/ and locustfiles/ that is read in place of the project's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite import catalogue


def copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with the copy, until the test ends. What was read before is forgotten, and so is this."""
    for name in ("services", "locustfiles"):
        shutil.copytree(catalogue.CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(catalogue, "SERVICES", folder / "services")
    monkeypatch.setattr(catalogue, "SCENARIOS", folder / "locustfiles")
    forget()
    yield folder
    forget()


def forget() -> None:
    """Read the descriptions again when they are asked for."""
    for read in (catalogue.services, catalogue.external, catalogue.scenarios, catalogue._on_driver):
        read.cache_clear()
