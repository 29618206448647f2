"""Becomes another program, tied to the process that started it. Run as a script with `python -I -S`, not imported.

    _launch.py PARENT_PID CPUS SIGNAL PROGRAM [ARGUMENT ...]

CPUS is a comma-separated list, or `-` to leave the placement alone. SIGNAL (a number) arrives when the parent dies,
on Linux. The limit on open files is raised as far as it may be. A program of its own rather than a `preexec_fn`,
which is not safe in a process with threads.
"""

import contextlib
import ctypes
import os
import resource
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set up this process as asked, then replace it."""
    parent, cpus, signal_number, *command = sys.argv[1:]
    if cpus != "-":
        try:
            os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
        except OSError as error:  # not allowed, or no such CPU: it runs anywhere
            print(f"not placed on CPU {cpus}: {error.strerror}", file=sys.stderr)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses its own `unlimited`
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number))
        if os.getppid() != int(parent):  # it died before the line above
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  # no shell is wanted


main()
