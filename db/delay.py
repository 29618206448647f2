"""Delivers data later, and exactly so: the relay's distance to the server."""

import asyncio
import ctypes
import os
import sys
import time
from collections import deque
from collections.abc import Callable

CLOCK_MONOTONIC, TFD_NONBLOCK, TFD_TIMER_ABSTIME = 1, 0o4000, 1


class DelayLine:
    """Delivers data `delay_s` later, in order. All connections share it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_s: float) -> None:
        self._loop, self._delay_ns = loop, round(delay_s * 1e9)
        self._in_flight: deque[tuple[int, asyncio.Transport, bytes | None]] = deque()
        self._timer = Timer(loop, self._arrive) if self._delay_ns else None

    def send(self, transport: asyncio.Transport, data: bytes | None) -> None:
        """Send data; None closes the connection."""
        if self._timer is None:
            _deliver(transport, data)
            return
        self._in_flight.append((time.monotonic_ns() + self._delay_ns, transport, data))
        if len(self._in_flight) == 1:
            self._timer.set(self._in_flight[0][0])

    def _arrive(self) -> None:
        now_ns = time.monotonic_ns()
        while self._in_flight and self._in_flight[0][0] <= now_ns:
            _, transport, data = self._in_flight.popleft()
            _deliver(transport, data)
        if self._in_flight and self._timer is not None:
            self._timer.set(self._in_flight[0][0])

    def close(self) -> None:
        """Deliver nothing more."""
        if self._timer is not None:
            self._timer.close()


def _deliver(transport: asyncio.Transport, data: bytes | None) -> None:
    if data is None:
        transport.close()
    elif not transport.is_closing():
        transport.write(data)


class _TimerSpec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Timer:
    """Calls back at a monotonic time, exact to some microseconds. The event loop's timers count whole milliseconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop, self._callback = loop, callback
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
            if self._fd < 0:
                raise OSError(ctypes.get_errno(), "timerfd_create failed")
            loop.add_reader(self._fd, self._fire)

    def set(self, at_ns: int) -> None:
        """Call back at this time, or at once if it has passed."""
        if self._fd < 0:
            self._loop.call_later(max(0.0, (at_ns - time.monotonic_ns()) / 1e9), self._callback)
            return
        spec = _TimerSpec(0, 0, *divmod(at_ns, 1_000_000_000))
        self._libc.timerfd_settime(self._fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None)

    def _fire(self) -> None:
        os.read(self._fd, 8)
        self._callback()

    def close(self) -> None:
        """Cancel the timer for good."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
