"""Counts that the null server keeps and the harness reads.

They are words in a file that both map, so that reading them neither waits for the server nor costs it a request. What
the server counted is the same measure for every client, and no client has to do anything for it.
"""

import mmap
from pathlib import Path

ANSWERED, OPEN, ACCEPTED = range(3)
WORDS = 3


class Tally:
    """Requests answered, connections open now, connections ever accepted."""

    def __init__(self, path: Path) -> None:
        """Map the file, and make it where there is none."""
        if not path.exists():
            path.write_bytes(bytes(8 * WORDS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * WORDS)
        self.words = memoryview(self._map).cast("Q")

    def __getitem__(self, word: int) -> int:
        return self.words[word]

    def close(self) -> None:
        """Unmap it."""
        self.words.release()
        self._map.close()
