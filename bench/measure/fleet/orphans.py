"""What a harness that was killed left behind: processes, ended here, and runs whose status still says `running`.

A process is ours by the mark that it has in its environment, of this checkout and of a harness that is no more (its pid
and its start time say so): never by its name.
"""

from collections.abc import Iterator
from contextlib import suppress

import psutil
from rich.console import Console

from bench.measure.fleet import processes
from bench.store import files, runs, stored
from bench.store.runs import Run
from suite import catalogue


def end(console: Console) -> None:
    """End processes that an earlier harness of this checkout left, and say so."""
    ended: dict[int, list[int]] = {}
    for process, harness in _orphans():
        with suppress(psutil.Error):  # it has ended meanwhile
            process.kill()
            ended.setdefault(harness, []).append(process.pid)
    for harness, pids in ended.items():
        console.print(
            f"ended what a run that was killed (pid {harness}) had left: processes {', '.join(map(str, sorted(pids)))}",
            style="yellow",
            highlight=False,
        )


def close_runs(console: Console, going_on: Run | None = None) -> None:
    """Let no status say `running` where nothing runs, but for a run that goes on now; what measured nothing goes.

    Only for who holds the lock of results/.
    """
    for path in sorted(runs.RESULTS.glob("*/status.json")):
        if path.parent.is_symlink() or (going_on is not None and path.parent.samefile(going_on.folder)):
            continue
        if (files.json_object(path) or {}).get("state") == "running":
            run = Run(path.parent)
            if not stored.something_measured(run.folder):
                run.discard()
                said = f"{run.run_id} had been killed before it measured anything; its folder is taken away"
                console.print(said, style="yellow", highlight=False)
                continue
            run.release()
            (run.folder / "duration.json").unlink(missing_ok=True)  # of before it was resumed: not all that it took
            run.status("interrupted", "its harness was killed")
            said = f"{path.parent.name} had been killed; what it measured is kept"
            console.print(said, style="yellow", highlight=False)


def _orphans() -> Iterator[tuple[psutil.Process, int]]:
    """Each with the pid that its harness had."""
    for process in psutil.process_iter():
        try:
            noted, started, checkout = process.environ().get(processes.MARK, "").split(" ", 2)
            pid = int(noted)
        except (psutil.Error, OSError, ValueError):
            continue
        if checkout == str(catalogue.CHECKOUT) and processes.start_time(pid) != started:
            yield process, pid
