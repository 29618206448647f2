"""Every request as a sample: packed into bytes here, streamed to a file in chunks, read by `bench.samples`.

In the file, a chunk is a JSON line (`{"records": N, "operations": [...], "errors": [...], "offset_ns": 0}`) and N
records behind it, so that each can be read on its own and a file cut off in the middle loses at most its last second.
"""

import json
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

# intended start, start, service time (ns, monotonic clock); body bytes; status; operation; error (0: none)
RECORD = struct.Struct("<qqqIHHH")
MISSED = "missed: no user was free"  # the error of an arrival that was never sent


class Chunk(NamedTuple):
    """Samples of one process since its last chunk, with the names that their numbers stand for."""

    packed: bytes
    operations: list[str]
    errors: list[str]

    def as_message(self) -> dict[str, Any]:
        """What a worker reports to its master."""
        return self._asdict()


class Recorder:
    """Samples since the last `take`."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._operations: dict[str, int] = {}
        self._errors: dict[str, int] = {"": 0}

    def add(
        self, operation: str, intended_ns: int, start_ns: int, end_ns: int, body_bytes: int, status: int, error: str
    ) -> None:
        """Keep one request. `error` is empty for a success, `status` 0 where none was received."""
        self._packed.append(
            RECORD.pack(
                intended_ns,
                start_ns,
                end_ns - start_ns,
                body_bytes,
                status,
                self._operations.setdefault(operation, len(self._operations)),
                self._errors.setdefault(error, len(self._errors)) if error else 0,
            )
        )

    def take(self) -> Chunk | None:
        """Everything since the last call; None when there was nothing."""
        packed, self._packed = self._packed, []
        return Chunk(b"".join(packed), list(self._operations), list(self._errors)) if packed else None


RECORDER = Recorder()
"""This process's."""


class SampleFile:
    """The file that chunks and marks (things that happened, each at a monotonic time) are appended to."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)

    def append(self, chunk: Chunk | None, offset_ns: int = 0) -> None:
        """Write a chunk. `offset_ns` is what to add to its times to have them on this process's clock."""
        if chunk is not None:
            head = {
                "records": len(chunk.packed) // RECORD.size,
                "operations": chunk.operations,
                "errors": chunk.errors,
                "offset_ns": offset_ns,
            }
            self._file.write(json.dumps(head).encode() + b"\n" + chunk.packed)

    def mark(self, event: str, at_ns: int, users: int) -> None:
        """Note that something happened to the load."""
        head = {"event": event, "at_ns": at_ns, "users": users, "records": 0}
        self._file.write(json.dumps(head).encode() + b"\n")
