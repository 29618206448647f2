"""Keeps a named PostgreSQL on the database's CPUs while a run lasts, and moves it back to where it was.

What was moved is noted in a file first: after a kill -9 of the harness, the next start moves it back.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from bench.measure.fleet import ownership
from bench.store import files, runs
from db.private import postmaster

NOTED = ".moved.json"


def noted() -> Path:
    """The file that says what was moved; it exists while a run lasts."""
    return runs.RESULTS / NOTED


class Placed(Enum):
    """How it went."""

    MOVED = auto()
    THERE = auto()
    """It ran on these CPUs already, or none were asked for; nothing was moved."""
    NOT = auto()
    """It is not allowed."""


@contextmanager
def placed(pids: Sequence[int], cpus: Sequence[int]) -> Iterator[Placed]:
    """Keep these processes and all below them on these CPUs inside the block."""
    if not pids or not cpus or _are_on(pids, cpus):
        yield Placed.THERE
        return
    before = _now(pids)
    harness = {"pid": os.getpid(), "started": ownership.start_time(os.getpid())}
    runs.RESULTS.mkdir(parents=True, exist_ok=True)
    files.write_whole(noted(), json.dumps({"harness": harness, "roots": list(pids), "before": before}))
    try:
        moved = _are_moved(pids, cpus)
        if not moved:
            _put_back(pids, before)
        yield Placed.MOVED if moved else Placed.NOT
    finally:
        _put_back(pids, before)
        noted().unlink(missing_ok=True)


def _are_moved(pids: Sequence[int], cpus: Sequence[int]) -> bool:
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile; the next connection fails with a better message
        return all(postmaster.place(psutil.Process(pid), cpus) for pid in pids)
    return False


def left() -> str:
    """What a killed harness had moved, in words; empty if there is nothing. Nothing is changed."""
    said = _of_killed()
    return f"PostgreSQL (pid {', '.join(map(str, said['roots']))}) on the CPUs of a killed run" if said else ""


def put_back_left(console: Console) -> None:
    """Move back what a killed harness had moved, and print it. The caller must hold the lock of results/."""
    if (said := _of_killed()) is not None:
        if _put_back(said["roots"], said["before"]):
            pids = ", ".join(map(str, said["roots"]))
            console.print(
                f"moved PostgreSQL (pid {pids}) back to the CPUs that it had before a killed run",
                style="yellow",
                highlight=False,
            )
        noted().unlink(missing_ok=True)


def _of_killed() -> dict[str, Any] | None:
    said = files.json_object(noted())
    if said is None or not {"harness", "roots", "before"} <= said.keys():
        return None
    harness = said["harness"]
    return said if ownership.start_time(int(harness["pid"])) != harness["started"] else None


def _are_on(pids: Sequence[int], cpus: Sequence[int]) -> bool:
    with suppress(psutil.Error):
        return all(postmaster.is_on(one, cpus) for pid in pids for one in _tree(pid))
    return False


def _tree(pid: int) -> list[psutil.Process]:
    """The process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _now(pids: Sequence[int]) -> dict[str, dict[str, Any]]:
    """The CPUs of each process, by pid, with the time of its start."""
    found: dict[str, dict[str, Any]] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            for one in _tree(pid):
                with suppress(psutil.NoSuchProcess):
                    found[str(one.pid)] = {"started": ownership.start_time(one.pid), "cpus": one.cpu_affinity()}
    return found


def _put_back(pids: Sequence[int], before: Mapping[str, Mapping[str, Any]]) -> bool:
    """Give every process its CPUs again; those that came later have their root's. False if no root is left."""
    done = False
    for pid in pids:
        root = before.get(str(pid))
        if root is None or ownership.start_time(pid) != root["started"]:
            continue
        with suppress(psutil.Error, OSError, ValueError):
            for one in _tree(pid):  # the root first: new ones inherit its CPUs
                had = before.get(str(one.pid))
                same = had is not None and had["started"] == ownership.start_time(one.pid)
                with suppress(psutil.NoSuchProcess):
                    one.cpu_affinity(had["cpus"] if had is not None and same else root["cpus"])
                done = True
    return done
