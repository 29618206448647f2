"""Become another program after the changes that must happen between fork and exec. Run as a file, never imported.

    python -I -S _launch.py OPTIONS PROGRAM ARGUMENT...

OPTIONS is JSON: uid, gid (or null to stay who we are), cpus (a list, or null), parent (the pid to die with, or null),
cwd. A separate program rather than `preexec_fn`, which may deadlock in a process with threads. Everything is imported
and loaded before the user changes: the new user may not be able to read Python's own files.
"""

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Apply the options, then exec."""
    options = json.loads(sys.argv[1])
    command = sys.argv[2:]
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True) if linux else None
    # A session of its own: Ctrl-C in the terminal reaches the harness, which decides when the server stops.
    os.setsid()
    if sys.platform == "linux" and options["cpus"]:
        try:
            os.sched_setaffinity(0, options["cpus"])
        except OSError as error:  # it then runs anywhere, which the caller sees
            print(f"not placed on CPUs {options['cpus']}: {error.strerror}", file=sys.stderr)
    if options["uid"] is not None:
        try:
            os.setgroups([])
            os.setgid(options["gid"])
            os.setuid(options["uid"])
        except OSError as error:
            who = f"root may not change to the user of PostgreSQL (uid {options['uid']}): {error.strerror}"
            sys.exit(f"{who}; run as another user than root, or: docker run --cap-add SETUID --cap-add SETGID")
    os.umask(0o077)
    os.chdir(options["cwd"])
    if libc is not None and options["parent"] is not None:
        # After setuid, because a change of user clears it. SIGINT is PostgreSQL's fast shutdown.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != options["parent"]:  # it died before we asked
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # a list, no shell


main()
