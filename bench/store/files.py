"""Files that are written beside their place and renamed into it, so that each is whole at every moment."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from suite.errors import ResultsError, UnwritableError


def json_object(path: Path) -> dict[str, Any] | None:
    """None for a file that is missing, or no JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_if_any(path: Path) -> dict[str, Any]:
    """Of a file that a run may have ended before writing: nothing then. Raises ResultsError that names it."""
    return json_of(path) if path.exists() else {}


def json_of(path: Path) -> dict[str, Any]:
    """Of one file of a run. Raises ResultsError that names it."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    if not isinstance(found, dict):
        raise ResultsError(f"cannot read {path}: it holds no JSON object")
    return found


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file at the yielded place; it takes its own at the end of the block, so that a reader sees the old one
    or the new one, never a part. Then both the file and its name are on the disk.

    Raises UnwritableError that names the file and why it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)  # were it a link, what it leads to would be written
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
    """Have a file's content, or a folder's names, on the disk: what was renamed must not be empty after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
