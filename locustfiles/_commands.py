"""What bench tells a load whose cell takes turns with others: one word a line, on standard input.

Between them the users wait by themselves whenever their service is frozen.
"""

import os
import sys
from collections.abc import Iterator

from gevent.socket import wait_read

BEGIN, WARM_UP, END = "begin", "warm-up", "end"
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
