"""Reads the commands of a load whose cell takes turns with others."""

import os
import sys
from collections.abc import Iterator

from gevent.socket import wait_read

READ_BYTES = 4096


def told() -> Iterator[str]:
    """Each command when it comes, until standard input is closed: bench has ended."""
    source, rest = sys.stdin.fileno(), ""
    while True:
        wait_read(source)
        new = os.read(source, READ_BYTES).decode()
        if not new:
            return
        *lines, rest = (rest + new).split("\n")
        yield from lines
