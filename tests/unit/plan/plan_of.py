"""Plan files, as short as they can be, and what is read of them."""

from pathlib import Path
from typing import Any

import pytest

from bench.plan import file, matrix
from bench.plan.matrix import Cell
from suite.errors import PlanError

MINIMAL = '[matrix]\nscenarios = ["point_read"]\nservices = ["asyncpg_async"]\n'
MANY = MINIMAL.replace("point_read", "read_many")
URL = "http://127.0.0.1:9000"
COMMAND = "uvicorn mine:app --port 9000"
MINE = f'[[targets]]\nname = "mine"\nurl = "{URL}"\n'
STARTED = f'{MINE}command = "{COMMAND}"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def cells_of(folder: Path, text: str, **options: Any) -> dict[str, Cell]:
    """By slug, in their order."""
    return {cell.slug: cell for cell in matrix.cells(file.read(written(folder, text), options))}


def refusal_of(folder: Path, text: str, **options: Any) -> str:
    """What is said of a plan that cannot be used."""
    with pytest.raises(PlanError) as caught:
        file.read(written(folder, text), options)
    return str(caught.value)
