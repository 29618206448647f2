"""The command line that becomes a program after what must happen between fork and exec: CPUs, user, parent's death."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("_launch.py")


@dataclass(frozen=True)
class Options:
    """How a program is launched; nothing of it by default.

    `cpus`: where it runs (empty: anywhere). `signal` reaches it when the thread that started it ends, however it ends
    (Linux). `user`: the uid and gid that it becomes. `folder`: where it works. `own_session`: Ctrl-C in the terminal
    does not reach it. `most_files`: it may open as many files as the system lets it. `private`: nobody else can read
    the files that it makes.
    """

    cpus: tuple[int, ...] = ()
    signal: int | None = None
    user: tuple[int, int] | None = None
    folder: str | None = None
    own_session: bool = False
    most_files: bool = False
    private: bool = False


def command(program: Sequence[str], options: Options) -> list[str]:
    """The command line that becomes `program`; to be started by this very process."""
    written = json.dumps({**asdict(options), "parent": os.getpid()})
    return [sys.executable, "-I", "-S", str(LAUNCHER), written, *program]
