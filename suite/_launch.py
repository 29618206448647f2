"""Makes changes that must happen between fork and exec, then becomes another program. Run as a file, never imported.

    python -I -S _launch.py OPTIONS PROGRAM ARGUMENT...

OPTIONS is the JSON of suite.launch.Options, which explains each option. This is a separate program because a
`preexec_fn` may deadlock in a process with threads. Everything is imported before the user changes: the new user may
not be able to read the files of Python.
"""

import contextlib
import ctypes
import json
import os
import resource
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Apply the options, then exec."""
    options = json.loads(sys.argv[1])
    command = sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if options["own_session"]:
        os.setsid()
    if sys.platform == "linux" and options["cpus"]:
        try:
            os.sched_setaffinity(0, options["cpus"])
        except OSError as error:  # not allowed, or no such CPU: the program runs anywhere, and the caller notices
            print(f"not placed on CPU {'+'.join(map(str, options['cpus']))}: {error.strerror}", file=sys.stderr)
    if options["most_files"]:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses the limit `unlimited`, which it reports itself
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options["user"] is not None:
        uid, gid = options["user"]
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        except OSError as error:
            why = f"root may not become the user of PostgreSQL (uid {uid}): {error.strerror}"
            sys.exit(f"{why}; run as another user than root, or: docker run --cap-add SETUID --cap-add SETGID")
    if options["private"]:
        os.umask(0o077)
    if options["folder"] is not None:
        os.chdir(options["folder"])
    if libc is not None and options["signal"] is not None:
        # After setuid, because a change of the user clears it.
        libc.prctl(PR_SET_PDEATHSIG, options["signal"], 0, 0, 0)
        if os.getppid() != options["parent"]:  # it ended before the call of prctl
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  # a list, no shell


main()
