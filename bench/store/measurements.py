"""Writes one measurement of a cell to its folder, and reads it back."""

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
from bench.analysis.slices import cut
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.store import files, recordings, samples
from suite.errors import ResultsError

WINDOW, EVIDENCE = TypeAdapter(Window), TypeAdapter(Evidence)
SAME = 1e-6  # the arithmetic of another machine may differ in the last digits
MOST_NAMED = 5
BY_SERVICE = "the service ended by itself"  # the last line of its problem.txt


def keep(window: Window, seen: Evidence, folder: Path) -> None:
    """Write window.json, which marks the measurement as ended.

    Its evidence is for readers, and `read` compares with it. Raises UnwritableError.
    """
    facts = {**window.as_dict(), "recorded": recordings.NAME, "evidence": seen.as_dict()}
    files.write_whole(folder / "window.json", json.dumps(facts, indent=2) + "\n")


def has_ended(place: Path) -> bool:
    """Whether a measurement's folder is complete: window.json or problem.txt is always written last."""
    return (place / "window.json").exists() or (place / "problem.txt").exists()


def nothing(
    problem: str, settings: Plan, cell: Cell, *, by_service: bool = False, unreadable: bool = False
) -> Measurement:
    """A measurement without a window, with the reason. `by_service`: the service ended by itself.

    `unreadable`: its files cannot be read.
    """
    arrival = settings.load.arrival
    seen = evidence.nothing(problem, cell.users, arrival, by_service=by_service, unreadable=unreadable)
    return Measurement(pl.DataFrame(), seen)


def read(place: Path, settings: Plan, cell: Cell) -> tuple[Measurement | None, str]:
    """One measurement from its folder (None if it had not ended), and how window.json disagrees, in words.

    Evidence is derived from the recording. Old runs have no recording: their evidence is that of window.json,
    unchanged. Their samples still give requests, failures, missed arrivals, the time accounted for and drift, and only
    these are compared with window.json. Raises ResultsError that names the unreadable file.
    """
    if (place / "problem.txt").exists():
        text = (place / "problem.txt").read_text(errors="replace")
        problem, _, details = text.partition("\n")
        by_service = details.rstrip().rpartition("\n")[2] == BY_SERVICE
        return nothing(problem, settings, cell, by_service=by_service), ""
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
            return _as_written(kept, window, written, facts)
        return _derived(recording, kept, settings, cell, facts)
    except (ArithmeticError, LookupError, TypeError, ValueError, pl.exceptions.PolarsError, ResultsError) as error:
        path = place / (recordings.NAME if recording else "window.json")
        why = f"it does not fit its samples ({type(error).__name__}: {error})"
        raise ResultsError(f"cannot read {path}: {why}") from None


def _written(path: Path, facts: Mapping[str, Any]) -> tuple[Window, Evidence]:
    """The window and the evidence of a window.json. Raises ResultsError that names the file and the wrong value."""
    try:
        window, seen = WINDOW.validate_python(facts), EVIDENCE.validate_python(facts.get("evidence"))
    except ValidationError as error:
        raise ResultsError(f"cannot read {path}: {recordings.first_problem(error, 'evidence')}") from None
    if not 0 < window.length_s < math.inf or not math.isclose(seen.length_s, window.length_s):
        raise ResultsError(
            f"cannot read {path}: a window from {window.start_ns} to {window.end_ns} is {seen.length_s} s"
        )
    return window, seen


def _as_written(
    kept: pl.DataFrame, window: Window, written: Evidence, facts: Mapping[str, Any]
) -> tuple[Measurement, str]:
    counts = windows.classified(kept, window).select(COLUMNS)
    counted = evidence.recounted(written, kept, window)
    new = {name: getattr(counted, name) for name in ("completed", "succeeded") if name not in facts["evidence"]}
    seen = replace(written, **new)
    return Measurement(counts, seen), disagreement(*_both(facts["evidence"], counted.as_dict()))


def _derived(
    recording: Recording, kept: pl.DataFrame, settings: Plan, cell: Cell, facts: Mapping[str, Any]
) -> tuple[Measurement, str]:
    mine = cut.of(recording, kept, settings)
    found = Measurement.of(recording, kept, cell, settings, mine)
    seen = found.evidence.as_dict()
    del seen["miscounted"]  # a miscount has its own remark
    return found, disagreement(*_both({**facts, **facts["evidence"]}, {**asdict(mine.window), **seen}))


def _both(
    written: Mapping[str, Any], found: Mapping[str, Any], *, inside: bool = True
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The facts that are in both, and those inside each of them: an older version wrote fewer than there are now."""
    there, here = dict[str, Any](), dict[str, Any]()
    for name in sorted(written.keys() & found.keys()):
        there[name], here[name] = written[name], found[name]
        if inside and there[name] and isinstance(there[name], Mapping) and isinstance(here[name], Mapping):
            there[name], here[name] = _both(there[name], here[name], inside=False)
    return there, here


def disagreement(written: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """How window.json differs from what is derived from the recording, in words. Empty if it does not differ."""
    there, here = dict(_leaves(written)), dict(_leaves(found))
    differing = [
        f"{name} is {_shown(there.get(name))} there and {_shown(here.get(name))} here"
        for name in dict.fromkeys((*there, *here))
        if not _nearly_equal(there.get(name), here.get(name))
    ]
    if not differing:
        return ""
    more = f"; {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
    return f"window.json disagrees with what was recorded: {'; '.join(differing[:MOST_NAMED])}{more}"


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """All single values in a nested value, each with its path. None values are left out."""
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


def _nearly_equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME) or str(one) == str(other)  # NaN is NaN
    return one == other


def _shown(value: object) -> str:
    if value is None:
        return "not given"
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
