"""Writes files under a temporary name and renames them, so that each is complete at every moment. Reads JSON."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from suite.errors import ResultsError, UnwritableError


def json_object(path: Path) -> dict[str, Any] | None:
    """The JSON object of a file. None if the file is missing or has no JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_if_any(path: Path) -> dict[str, Any]:
    """The JSON object of a file, or {} if the run ended before it wrote the file. Raises ResultsError that names it."""
    return json_of(path) if path.exists() else {}


def json_of(path: Path) -> dict[str, Any]:
    """The JSON object of a file. Raises ResultsError that names the file."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    if not isinstance(found, dict):
        raise ResultsError(f"cannot read {path}: it holds no JSON object")
    return found


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to. At the end of the block, the file is renamed to `path`.

    A reader sees the old file or the new one, never a part. At the end, the file and its name are on the disk. Raises
    UnwritableError that names the file and the reason.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)  # otherwise a link there would be followed
        yield beside
        _sync(beside)
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        why = error.strerror or error
        raise UnwritableError(f"cannot write {path}: {why}; what was written before is still there") from None


def write_whole(path: Path, text: str) -> None:
    """Write a text file as `whole` does. Raises UnwritableError."""
    with whole(path) as beside, beside.open("x", encoding="utf-8", newline="") as file:
        file.write(text)


def _sync(path: Path) -> None:
    """Write a file's content, or a folder's names, to the disk: a renamed file must not be empty after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
