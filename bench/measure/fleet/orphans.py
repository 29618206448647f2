"""Cleans up after a harness that was killed: ends its processes, and closes runs whose status is still `running`.

Such a process has a mark in its environment: this checkout, and the pid and start time of a harness that has ended.
Its name does not matter.
"""

from collections.abc import Iterator
from contextlib import suppress

import psutil
from rich.console import Console

from bench.measure.fleet import ownership
from bench.store import files, runs, stored
from bench.store.runs import Run
from suite import catalogue


def end(console: Console) -> None:
    """End processes that an earlier harness of this checkout left behind, stopped ones too, and print which."""
    ended: dict[int, list[int]] = {}
    for process, harness in _orphans():
        with suppress(psutil.Error):  # it has ended meanwhile
            process.kill()  # a stopped process (SIGSTOP) ends by no other signal
            ended.setdefault(harness, []).append(process.pid)
    for harness, pids in ended.items():
        console.print(
            f"ended processes that a killed run (pid {harness}) had left: {', '.join(map(str, sorted(pids)))}",
            style="yellow",
            highlight=False,
        )


def named() -> list[str]:
    """Each process that an earlier harness of this checkout left behind, in words. Nothing is ended."""
    found = []
    for process, harness in _orphans():
        with suppress(psutil.Error):  # it has ended meanwhile
            stopped = ", stopped" if process.status() == psutil.STATUS_STOPPED else ""
            found.append(f"{process.name()} (pid {process.pid}{stopped}) of a killed run (pid {harness})")
    return sorted(found)


def close_runs(console: Console, going_on: Run | None = None) -> None:
    """Close runs that were killed: their status becomes `interrupted`. Those that measured nothing are deleted.

    `going_on` is the run that is being resumed; it is left alone. The caller must hold the lock of results/.
    """
    for path in sorted(runs.RESULTS.glob("*/status.json")):
        if path.parent.is_symlink() or (going_on is not None and path.parent.samefile(going_on.folder)):
            continue
        if (files.json_object(path) or {}).get("state") == "running":
            run = Run(path.parent)
            if not stored.something_measured(run.folder):
                run.discard()
                note = f"{run.run_id} had been killed before it measured anything; its folder was deleted"
                console.print(note, style="yellow", highlight=False)
                continue
            run.release()
            (run.folder / "duration.json").unlink(
                missing_ok=True
            )  # from before a resume: it does not cover the whole run
            run.status("interrupted", "its harness was killed")
            note = f"{path.parent.name} had been killed; what it measured is kept"
            console.print(note, style="yellow", highlight=False)


def _orphans() -> Iterator[tuple[psutil.Process, int]]:
    """Each orphan with the pid of its harness."""
    for process in psutil.process_iter():
        try:
            noted, started, checkout = process.environ().get(ownership.MARK, "").split(" ", 2)
            pid = int(noted)
        except (psutil.Error, OSError, ValueError):
            continue
        if checkout == str(catalogue.CHECKOUT) and ownership.start_time(pid) != started:
            yield process, pid
