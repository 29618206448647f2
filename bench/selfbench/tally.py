"""Counters that the null server writes and the harness reads.

They are words in a file that both map, so reading them does not wait for the server and costs it no request. The
counters measure every client in the same way, without any work in the client.
"""

import mmap
from pathlib import Path

ANSWERED, OPEN, ACCEPTED = range(3)
WORDS = 3


class Tally:
    """Requests answered, connections open now, connections ever accepted."""

    def __init__(self, path: Path) -> None:
        """Map the file. It is created if it does not exist."""
        if not path.exists():
            path.write_bytes(bytes(8 * WORDS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * WORDS)
        self.words = memoryview(self._map).cast("Q")

    def __getitem__(self, word: int) -> int:
        return self.words[word]

    def close(self) -> None:
        """Unmap the file."""
        self.words.release()
        self._map.close()
