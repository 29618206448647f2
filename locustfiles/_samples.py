"""Every request as a sample: packed into bytes here, streamed to a file in chunks, read by `bench.samples`.

A chunk is a JSON line (`{"records": N, "operations": [...], "errors": [...]}`) and N records behind it, so that each
chunk can be read on its own and a file cut off in the middle loses at most its last second.
"""

import json
import struct
from pathlib import Path
from typing import BinaryIO

# intended start, start, service time (ns, monotonic clock); body bytes; status; operation; error (0: none)
RECORD = struct.Struct("<qqqIHHH")


class Recorder:
    """Samples since the last `take`, with the names that their numbers stand for."""

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

    def take(self) -> bytes:
        """Everything since the last call, as one chunk; empty when there was nothing."""
        packed, self._packed = self._packed, []
        if not packed:
            return b""
        names = {"records": len(packed), "operations": list(self._operations), "errors": list(self._errors)}
        return json.dumps(names).encode() + b"\n" + b"".join(packed)


class SampleFile:
    """The file that chunks and marks (things that happened, each at a monotonic time) are appended to."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)

    def append(self, chunk: bytes) -> None:
        """Write a chunk."""
        self._file.write(chunk)

    def mark(self, event: str, at_ns: int, users: int) -> None:
        """Note that something happened to the load."""
        self.append(json.dumps({"event": event, "at_ns": at_ns, "users": users, "records": 0}).encode() + b"\n")
