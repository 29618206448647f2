"""The launcher, which becomes a program after what must happen before it runs."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from suite import launch
from suite.launch import Options

SEEN = """
import json, os, resource
print(json.dumps([os.getpid(), os.getsid(0), os.getcwd(), os.umask(0), resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


def seen(options: Options) -> tuple[int, int, str, int, list[int]]:
    """What a program finds that is launched like this: pid, session, folder, umask and limit on open files."""
    command = launch.command([sys.executable, "-c", SEEN], options)
    pid, session, folder, umask, files = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return pid, session, folder, umask, files


def test_nothing_changes_that_is_not_asked_for() -> None:
    """Session, folder, umask and limits are the caller's."""
    os.umask(umask := os.umask(0))
    _, *others = seen(Options())
    assert others == [os.getsid(0), str(Path.cwd()), umask, list(resource.getrlimit(resource.RLIMIT_NOFILE))]


def test_all_that_is_asked_for(tmp_path: Path) -> None:
    """A session, a folder, private files, and as many open ones as may be."""
    pid, session, folder, umask, files = seen(
        Options(folder=str(tmp_path), own_session=True, most_files=True, private=True)
    )
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert (session, folder, umask, files) == (pid, str(tmp_path), 0o077, [hard, hard])
