"""One measurement of a cell, kept in a folder and read back from it."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from bench.analysis import evidence
from bench.analysis.evidence import Evidence
from bench.analysis.measurement import COLUMNS, Measurement
from bench.analysis.recorded import windows
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.windows import Window
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.store import files, recordings, samples
from suite.errors import ResultsError

WINDOW, EVIDENCE = TypeAdapter(Window), TypeAdapter(Evidence)
SAME = 1e-6  # the arithmetic of another machine may differ in the last digits
MOST_NAMED = 5


def keep(window: Window, seen: Evidence, folder: Path) -> None:
    """Leave window.json, which says that the measurement has ended.

    Its evidence is for readers, and for `read` to be held against. Raises UnwritableError.
    """
    facts = {**window.as_dict(), "recorded": recordings.NAME, "evidence": seen.as_dict()}
    files.write_whole(folder / "window.json", json.dumps(facts, indent=2) + "\n")


def has_ended(place: Path) -> bool:
    """Whether a measurement's folder is whole: its window.json, or else its problem.txt, is written last."""
    return (place / "window.json").exists() or (place / "problem.txt").exists()


def nothing(problem: str, settings: Plan, cell: Cell) -> Measurement:
    """A measurement that came to no window."""
    return Measurement(pl.DataFrame(), evidence.nothing(problem, cell.users, settings.load.arrival))


def read(place: Path, settings: Plan, cell: Cell) -> tuple[Measurement | None, str]:
    """One measurement from its folder, None when it had not come to an end; and, in words, how window.json disagrees.

    Evidence is derived from what was recorded. Runs from before recordings were kept have no such file: their evidence
    is that of window.json, unchanged. Their samples still give requests, failures, missed arrivals, the time accounted
    for and drift, and only these are compared with it. Raises ResultsError that names the file that cannot be read.
    """
    if (place / "problem.txt").exists():
        problem = (place / "problem.txt").read_text(errors="replace").partition("\n")[0]
        return nothing(problem, settings, cell), ""
    if not has_ended(place):
        return None, ""
    facts = files.json_of(place / "window.json")
    window, written = _written(place / "window.json", facts)
    try:
        kept = samples.read_kept(place / "samples.parquet")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"cannot read {place / 'samples.parquet'}: {error}") from None
    recording = recordings.read(place) if "recorded" in facts else None
    try:
        if recording is None:
            return _as_written(kept, window, written, settings)
        return _derived(recording, kept, settings, cell, (window, written))
    except (ArithmeticError, LookupError, TypeError, ValueError, pl.exceptions.PolarsError, ResultsError) as error:
        path = place / (recordings.NAME if recording else "window.json")
        why = f"it does not fit its samples ({type(error).__name__}: {error})"
        raise ResultsError(f"cannot read {path}: {why}") from None


def _written(path: Path, facts: Mapping[str, Any]) -> tuple[Window, Evidence]:
    """A window and what was seen in it. Raises ResultsError that names the file, and the value that cannot be."""
    try:
        window, seen = WINDOW.validate_python(facts), EVIDENCE.validate_python(facts.get("evidence"))
    except ValidationError as error:
        raise ResultsError(f"cannot read {path}: {recordings.first_problem(error, 'evidence')}") from None
    if not 0 < window.length_s < math.inf or not math.isclose(seen.length_s, window.length_s):
        raise ResultsError(
            f"cannot read {path}: a window from {window.start_ns} to {window.end_ns} is {seen.length_s} s"
        )
    return window, seen


def _as_written(kept: pl.DataFrame, window: Window, written: Evidence, settings: Plan) -> tuple[Measurement, str]:
    counts = windows.sent(windows.cut(kept, window, settings.load.arrival)).select(COLUMNS)
    counted = evidence.recounted(written, kept, window)
    return Measurement(counts, written), disagreement(written.as_dict(), counted.as_dict())


def _derived(
    recording: Recording, kept: pl.DataFrame, settings: Plan, cell: Cell, written: tuple[Window, Evidence]
) -> tuple[Measurement, str]:
    found = Measurement.of(recording, kept, cell, settings)
    window, said = written
    same_words = replace(said, miscounted=found.evidence.miscounted)  # that is a remark of its own
    return found, disagreement(
        {**asdict(window), **same_words.as_dict()},
        {**asdict(windows.of(recording.marks, kept, settings.load)), **found.evidence.as_dict()},
    )


def disagreement(written: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """In words, where window.json says something else than follows from what was recorded; else empty."""
    there, here = dict(_leaves(written)), dict(_leaves(found))
    differing = [
        f"{name} is {_said(there.get(name))} there and {_said(here.get(name))} here"
        for name in dict.fromkeys((*there, *here))
        if not _same(there.get(name), here.get(name))
    ]
    if not differing:
        return ""
    more = f"; {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
    return f"window.json disagrees with what was recorded: {'; '.join(differing[:MOST_NAMED])}{more}"


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """All single values in a nested one, by their place; None is no value."""
    if isinstance(value, Mapping):
        parts: Iterable[tuple[object, object]] = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        if value is not None:
            yield name, value
        return
    for key, part in parts:
        yield from _leaves(part, f"{name}.{key}" if name else str(key))


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME) or str(one) == str(other)  # NaN is NaN
    return one == other


def _said(value: object) -> str:
    if value is None:
        return "not given"
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
