"""Samples of requests: packed into bytes here, written to a file in chunks, read by `bench.store.samples`.

In the file, a chunk is a JSON line (`{"records": N, "operations": [...], "errors": [...], "offset_ns": 0}`) and then N
records. Each chunk can be read alone, and a file that was cut off loses at most its last second.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from suite.records import PACKER


class Chunk(NamedTuple):
    """Samples of one process since its last chunk, with the names for the numbers in them."""

    packed: bytes
    operations: list[str]
    methods: list[str]
    errors: list[str]


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Join successive chunks of one recorder. The names of the last chunk cover all of them."""
    return chunks[-1]._replace(packed=b"".join(chunk.packed for chunk in chunks))


class SampleRecorder:
    """Collects samples until the next `take`."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._operations: dict[str, int] = {}
        self._methods: list[str] = []
        self._errors: dict[str, int] = {"": 0}

    def add(
        self,
        operation: str,
        method: str,
        intended_ns: int,
        start_ns: int,
        end_ns: int,
        body_bytes: int,
        status: int,
        error: str,
    ) -> None:
        """Add one request. `error` is empty for a success. `status` is 0 if none was received."""
        if operation not in self._operations:
            self._operations[operation] = len(self._operations)
            self._methods.append(method)
        self._packed.append(
            PACKER.pack(
                intended_ns,
                start_ns,
                end_ns - start_ns,
                body_bytes,
                status,
                self._operations[operation],
                self._errors.setdefault(error, len(self._errors)) if error else 0,
            )
        )

    def take(self) -> Chunk | None:
        """All samples since the last call. None if there are none."""
        packed, self._packed = self._packed, []
        if not packed:
            return None
        return Chunk(b"".join(packed), list(self._operations), list(self._methods), list(self._errors))


RECORDER = SampleRecorder()
"""The recorder of this process."""


class SampleFile:
    """The file of samples. It gets chunks, and marks: events of the load, each with a monotonic time."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)

    def append(self, chunk: Chunk, offset_ns: int = 0) -> None:
        """Write a chunk. `offset_ns` converts its times to the clock of this process."""
        head = {
            "records": len(chunk.packed) // PACKER.size,
            "operations": chunk.operations,
            "errors": chunk.errors,
            "offset_ns": offset_ns,
        }
        self._file.write(json.dumps(head).encode() + b"\n" + chunk.packed)

    def mark(self, event: str, at_ns: int, users: int, reconnects: int = 0, **more: Any) -> None:
        """Write an event of the load, or of one of its workers."""
        head = {"event": event, "at_ns": at_ns, "users": users, "reconnects": reconnects, "records": 0, **more}
        self._file.write(json.dumps(head).encode() + b"\n")
