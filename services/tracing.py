"""Lets a profiler look into this process, where the harness is about to start one."""

import ctypes
import os
import sys

PR_SET_PTRACER = 0x59616D61  # prctl(2)


def allow() -> None:
    """Allow PROFILED_BY (a process) and what it starts to trace this process, as far as the kernel's Yama asks for it.

    Yama (kernel.yama.ptrace_scope 1) otherwise lets a process trace only its own children.
    """
    tracer = os.environ.get("PROFILED_BY")
    if tracer and sys.platform == "linux":
        # Without Yama the call fails, and nothing has to be allowed.
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, int(tracer), 0, 0, 0)
