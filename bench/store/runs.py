"""The folders of runs in results/: creates, finds and locks them."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from bench.plan.matrix import Cell
from bench.store.files import json_object, whole, write_whole
from suite import catalogue
from suite.errors import ResultsError

RESULTS = catalogue.CHECKOUT / "results"
LATEST = "latest"
LATEST_FILES = {"latest.html": "report.html", "latest.csv": "summary.csv"}
FIRST_ATTEMPT = "first-attempt"
CUT_OFF = "cut-off"
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RESERVE = ".reserve"
RESERVED_BYTES = 256 * 1024


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    folder: Path

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.folder.name

    def cell_folder(self, round_number: int, cell: Cell) -> Path:
        """The folder of one cell's measurement in one round. It is created on first use."""
        folder = self.folder / "rounds" / f"{round_number:02d}" / cell.slug
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def idle_folder(self, round_number: int, service: str) -> Path:
        """The folder for the log of a service that a resumed run starts only so that it runs beside the others."""
        folder = self.folder / "resumed" / f"{round_number:02d}" / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write(self, name: str, text: str) -> None:
        """Write a text file, completely or not at all."""
        write_whole(self.folder / name, text)

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file, completely or not at all."""
        self.write(name, json.dumps(value, indent=2, default=str) + "\n")

    def status(self, state: str, why: str = "") -> None:
        """Write the state of the run: running, finished, partial, failed or interrupted, and why.

        When it started, and notes about resumes, are kept.
        """
        now = datetime.now(UTC).isoformat()
        self.write_json("status.json", {"state": state, "why": why, "at": now, **self._kept()})

    def _kept(self) -> dict[str, Any]:
        """What no later state changes. The first state is that of the start."""
        before = json_object(self.folder / "status.json") or {}
        if not (self.folder / "status.json").exists():
            return {"started_at": datetime.now(UTC).isoformat(timespec="seconds")}
        return {name: before[name] for name in ("started_at", "resumed") if name in before}

    def resumed(self, after: str, differences: Sequence[str]) -> None:
        """Write that the run was resumed, after which measurement, and with which differences of the environment."""
        kept = self._kept()
        now = {"at": datetime.now(UTC).isoformat(), "after": after, "differences": list(differences)}
        resumed = {"resumed": [*kept.get("resumed", []), now]}
        self.write_json("status.json", {"state": "running", "why": "", "at": now["at"], **kept, **resumed})

    def reserve(self) -> None:
        """Reserve disk space for the files at the end of the run, in case the disk fills. Raises UnwritableError."""
        with whole(self.folder / RESERVE) as beside:
            beside.write_bytes(os.urandom(RESERVED_BYTES))

    def release(self) -> None:
        """Free the reserved space."""
        with suppress(OSError):
            (self.folder / RESERVE).unlink()

    def discard(self) -> None:
        """Delete the folder, because nothing was measured. Its name is free again."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_latest(self) -> None:
        """Make latest.html and latest.csv in results/ links to this run's page and summary.

        A link to the folder would be a second run to whatever reads `results/*/summary.csv`; one of an earlier version
        goes.
        """
        for name, target in LATEST_FILES.items():
            beside = RESULTS / f".{name}-{os.getpid()}"
            beside.unlink(missing_ok=True)
            beside.symlink_to(Path(self.run_id) / target)
            beside.replace(RESULTS / name)
        if (RESULTS / LATEST).is_symlink():
            (RESULTS / LATEST).unlink()


def create(name: str | None, plan_name: str, now: datetime) -> Run:
    """Create the folder of a new run. Its name is `name`, or else the UTC time and the plan's name.

    Raises ResultsError for a bad or taken name, and for a folder that cannot be written.
    """
    run_id = name if name is not None else f"{now:%Y%m%dT%H%M%SZ}-{plan_name}"
    if not RUN_NAME.fullmatch(run_id) or run_id == LATEST:
        raise ResultsError(
            f"{run_id!r} cannot name a run: begin with a letter or digit, then up to 63 letters, digits, '.', '_', '-'"
        )
    folder = RESULTS / run_id
    try:
        RESULTS.mkdir(exist_ok=True)
        folder.mkdir()
        (folder / "rounds").mkdir()
    except FileExistsError:
        raise ResultsError(f"results/{run_id} already exists; choose another --name") from None
    except OSError as error:
        raise ResultsError(f"cannot write to {RESULTS}: {error.strerror}; make the folder writable") from None
    return Run(folder)


def find(name: str) -> Path:
    """The folder of a run that has measured something, by its name in results/ or by a path; `latest` is the newest.

    Raises ResultsError when there is none.
    """
    if name == LATEST and (newest := latest()) is not None:
        return newest
    for folder in (RESULTS / name, Path(name)):
        if folder.is_symlink():
            raise ResultsError(f"{folder} is a symbolic link, and runs are folders; use the name of its target")
        if (folder / "summary.csv").is_file() or any(folder.glob("rounds/[0-9][0-9]/*/window.json")):
            return folder
    if (RESULTS / name / "status.json").is_file():
        raise ResultsError(f"the run {name!r} has measured nothing yet; to resume it: bench run --resume {name}")
    having = ", ".join(run.name for run in finished()[-5:]) or "none yet"
    raise ResultsError(f"there is no run {name!r} with a summary.csv; the newest are: {having}")


def latest() -> Path | None:
    """The folder of the run that finished last, where it is still there."""
    link = RESULTS / "latest.csv"
    target = RESULTS / link.readlink() if link.is_symlink() else None
    return target.parent if target is not None and target.is_file() else None


def finished() -> list[Path]:
    """Folders of all runs that have a summary, oldest first."""
    runs = [path.parent for path in RESULTS.glob("*/summary.csv") if not path.parent.is_symlink()]
    return sorted(runs, key=lambda run: (run / "summary.csv").stat().st_mtime)


def lock() -> IO[str]:
    """Lock results/ until the returned file is closed. Raises ResultsError that names the process with the lock."""
    try:
        RESULTS.mkdir(exist_ok=True)
        file = (RESULTS / ".lock").open("a+")
    except OSError as error:
        raise ResultsError(f"cannot write to {RESULTS}: {error.strerror}; make the folder writable") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise ResultsError(f"another run is going on in this checkout (pid {holder}); wait for it or end it") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def set_aside(folder: Path) -> None:
    """Move the files of a cell's folder into a folder below it, so that the cell can be measured again."""
    aside = folder / FIRST_ATTEMPT
    aside.mkdir()
    for path in list(folder.iterdir()):
        if path.name.startswith((FIRST_ATTEMPT, CUT_OFF)):
            continue
        if not path.name.startswith("service."):  # the service may still write to its log and trace
            path.rename(aside / path.name)


def set_aside_cut_off(folder: Path) -> None:
    """Move the files of an unfinished measurement, with its first attempt, into cut-off-N below its folder."""
    left = [path for path in folder.iterdir() if not path.name.startswith(CUT_OFF)]
    if not left:
        return
    number = 1
    while (aside := folder / f"{CUT_OFF}-{number}").exists():
        number += 1
    aside.mkdir()
    for path in left:
        path.rename(aside / path.name)


def resumed_in_words(status: Mapping[str, Any]) -> list[str]:
    """A sentence for each resume, from the run's status.json. Invalid entries are skipped."""
    found, noted = [], status.get("resumed", ())
    for one in noted if isinstance(noted, list) else ():
        if not isinstance(one, Mapping):
            continue
        at = str(one.get("at", ""))[:16].replace("T", " ")
        after = f"after {one['after']}" if one.get("after") else "before anything was measured"
        other = one["differences"] if isinstance(one.get("differences"), list) else ()
        environment = f", in another environment ({'; '.join(map(str, other))})" if other else ""
        found.append(f"resumed at {at} UTC {after}{environment}")
    return found
