"""How late the event loop of this process runs a timer that is due: samples, appended to a file.

They go to a file, not to GET /metrics: a loop that is blocked answers nothing, and its lag is what they are for.
"""

import asyncio
import os
import time
from pathlib import Path

EVERY_NS = 10_000_000
"""From one sample to the next (10 ms). More often would cost more, and the loops' timers are only exact to 1 ms."""


class LoopTimer:
    """A timer that is due every EVERY_NS, and writes when it was due and how late it ran.

    Due times are a fixed grid. They do not move when the loop is late: a timer that was set again when it ran would see
    a loop that is blocked for two seconds once, where 200 moments had to wait. One line stands for all of them, as they
    all run at the same time. Its numbers are the process, the first due time (ns, on the clock of the load's samples)
    and how late that ran (ns); the others were due every EVERY_NS from it, until it ran.
    """

    def __init__(self, path: Path) -> None:
        """Append to this file. The event loop must run. Raises OSError where the file cannot be opened."""
        self._loop, self._process = asyncio.get_running_loop(), os.getpid()
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._due_ns = time.perf_counter_ns() + EVERY_NS
        self._loop.call_later(EVERY_NS / 1e9, self._run)

    def _run(self) -> None:
        # A callback of the loop, not a task that sleeps: that one would wait for a second turn of the loop.
        now_ns = time.perf_counter_ns()
        late_ns = max(0, now_ns - self._due_ns)  # libuv rounds to 1 ms, and may be that early
        # One write for each line, so lines of several workers do not mix, and none is lost in a buffer.
        os.write(self._fd, b"%d %d %d\n" % (self._process, self._due_ns, late_ns))
        self._due_ns += (late_ns // EVERY_NS + 1) * EVERY_NS
        self._loop.call_later((self._due_ns - now_ns) / 1e9, self._run)
