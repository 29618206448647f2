"""Command lines that set CPUs, user and the parent's death signal between fork and exec, then run a program."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("_launch.py")


@dataclass(frozen=True)
class Options:
    """The options for launching a program. The defaults change nothing.

    `cpus`: the CPUs on which it runs (empty: anywhere). `signal`: sent to it when the thread that started it ends, in
    whatever way (Linux). `user`: its uid and gid. `folder`: its working directory. `own_session`: Ctrl-C in the
    terminal does not reach it. `most_files`: it may open as many files as the system allows. `private`: other users
    cannot read the files that it creates.
    """

    cpus: tuple[int, ...] = ()
    signal: int | None = None
    user: tuple[int, int] | None = None
    folder: str | None = None
    own_session: bool = False
    most_files: bool = False
    private: bool = False


def command(program: Sequence[str], options: Options) -> list[str]:
    """A command line that becomes `program`. This process itself must start it."""
    written = json.dumps({**asdict(options), "parent": os.getpid()})
    return [sys.executable, "-I", "-S", str(LAUNCHER), written, *program]
