"""The complete recording of a cell, stored beside its samples, so that its evidence can be derived again."""

import gzip
import json
import zlib
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bench.analysis.recorded.recording import Recording
from bench.store import files
from suite.errors import ResultsError

NAME = "recorded.json.gz"
RECORDING = TypeAdapter(Recording)


def keep(recording: Recording, folder: Path) -> None:
    """Write it to a cell's folder, compressed: one reading is much like the next. Raises UnwritableError."""
    text = json.dumps(asdict(recording), default=sorted, separators=(",", ":"))  # `default` is called for sets only
    with files.whole(folder / NAME) as beside:
        beside.write_bytes(gzip.compress(text.encode(), mtime=0))


def read(folder: Path) -> Recording:
    """Read what `keep` wrote. Raises ResultsError that names the file and the impossible value."""
    path = folder / NAME
    try:
        return RECORDING.validate_python(json.loads(gzip.decompress(path.read_bytes())))
    except ValidationError as error:
        raise ResultsError(f"cannot read {path}: {first_problem(error)}") from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None


def first_problem(error: ValidationError, otherwise: str = "") -> str:
    """The place of the first wrong value, and what is wrong with it."""
    [first, *_] = error.errors()
    keys = (str(key) for key in first["loc"])
    where = ".".join(key if key.isprintable() else repr(key) for key in keys) or otherwise
    return f"{where}: {first['msg']}" if where else str(first["msg"])
