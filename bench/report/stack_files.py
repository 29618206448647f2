"""The stacks of each profiled cell as files that other tools read: collapsed, and for speedscope."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.analysis.analysis import Analysis
from bench.analysis.profiling import stacks
from bench.analysis.profiling.profile import CellProfile
from bench.store import files

FOLDER = "stacks"
SCHEMA = "https://www.speedscope.app/file-format-schema.json"
NS_OF_MS = 1e6


def write(folder: Path, found: Analysis) -> None:
    """Write them into a run's folder; nothing where nothing was profiled. Raises UnwritableError."""
    for name, text in texts(found):
        (folder / FOLDER).mkdir(exist_ok=True)
        files.write_whole(folder / FOLDER / name, text)


def texts(found: Analysis) -> Iterator[tuple[str, str]]:
    """The name and the text of each file. A collapsed stack has its user time in ns a request."""
    for cell in found.profiles:
        if stacks_ms := cell.stacks_ms:
            yield f"{cell.slug}.collapsed.txt", collapsed(stacks_ms)
            yield f"{cell.slug}.speedscope.json", json.dumps(speedscope(cell)) + "\n"


def collapsed(stacks_ms: Mapping[str, float]) -> str:
    """Stacks with whole numbers, as the tools ask for."""
    return stacks.text_of({stack: round(ms * NS_OF_MS) for stack, ms in stacks_ms.items()})


def speedscope(cell: CellProfile) -> dict[str, Any]:
    """A profile of one request, for https://www.speedscope.app or its offline version."""
    places: dict[str, int] = {}
    every = sorted(cell.stacks_ms.items())
    samples = [[places.setdefault(one, len(places)) for one in stack.split(";")] for stack, _ in every]
    weights = [ms for _, ms in every]
    frames = [{"name": one.name, "file": one.path} for one in map(stacks.frame, places)]
    return {
        "$schema": SCHEMA,
        "name": f"{cell.scenario} {cell.slug}: user time of a request",
        "shared": {"frames": frames},
        "profiles": [
            {
                "type": "sampled", "name": cell.slug, "unit": "milliseconds", "startValue": 0, "endValue": sum(weights),
                "samples": samples, "weights": weights,
            }
        ],
    }  # fmt: skip
