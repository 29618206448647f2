"""A run's folder in results/: every file written beside its place and renamed into it, readable at every moment."""

import csv
import fcntl
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from bench import catalogue
from bench.errors import ResultsError
from bench.plan import Cell

RESULTS = catalogue.CHECKOUT / "results"
LATEST = "latest"
FIRST_ATTEMPT = "first-attempt"
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FORMULA_STARTS = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    folder: Path

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.folder.name

    def cell_folder(self, round_number: int, cell: Cell) -> Path:
        """Where one cell's measurement of one round goes; made on first use."""
        folder = self.folder / "rounds" / f"{round_number:02d}" / cell.slug
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write(self, name: str, text: str) -> None:
        """Put a text file in place at once."""
        write_whole(self.folder / name, text)

    def write_json(self, name: str, value: object) -> None:
        """Put a JSON file in place at once."""
        self.write(name, json.dumps(value, indent=2, default=str) + "\n")

    def status(self, state: str, why: str = "") -> None:
        """Say how the run stands: running, finished, partial, failed or interrupted, and why."""
        self.write_json("status.json", {"state": state, "why": why, "at": datetime.now(UTC).isoformat()})

    def make_latest(self) -> None:
        """Let results/latest name this run."""
        beside = RESULTS / f".{LATEST}-{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(self.run_id)
        beside.replace(RESULTS / LATEST)


def create(name: str | None, plan_name: str, now: datetime) -> Run:
    """Make the folder of a new run: `name` alone when given, else the UTC time and the plan's name.

    Raises ResultsError for a bad or taken name and for a folder that cannot be written.
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
        raise ResultsError(f"results/{run_id} is there already; choose another --name") from None
    except OSError as error:
        raise ResultsError(f"cannot write to {RESULTS}: {error.strerror}; make the folder writable") from None
    return Run(folder)


def find(name: str) -> Path:
    """The folder of a run, by its name in results/ or by a path. Raises ResultsError when there is none."""
    for folder in (RESULTS / name, Path(name)):
        if (folder / "summary.csv").is_file():
            return folder
    having = ", ".join(run.name for run in finished()[-5:]) or "none yet"
    raise ResultsError(f"there is no run {name!r} with a summary.csv; the newest are: {having}")


def finished() -> list[Path]:
    """Folders of all runs that have a summary, oldest first."""
    runs = [path.parent for path in RESULTS.glob("*/summary.csv") if path.parent.name != LATEST]
    return sorted(runs, key=lambda run: (run / "summary.csv").stat().st_mtime)


def lock() -> IO[str]:
    """Hold results/ for this process until the returned file is closed. Raises ResultsError naming who holds it."""
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
    """Move what is in a cell's folder into one below it, so that the cell can be measured again."""
    aside = folder / FIRST_ATTEMPT
    aside.mkdir()
    for path in list(folder.iterdir()):
        if path != aside and not path.name.startswith("service."):  # the service may go on writing to its log and trace
            path.rename(aside / path.name)


def check_space(needed_mb: float) -> None:
    """Raise ResultsError when the disk of results/ has less room than a run is expected to need."""
    free_mb = shutil.disk_usage(RESULTS).free / 1e6
    if free_mb < needed_mb:
        raise ResultsError(f"{RESULTS} has {free_mb:.0f} MB free, and this run may need {needed_mb:.0f} MB; make room")


def json_object(path: Path) -> dict[str, Any] | None:
    """None for a file that is missing, or no JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises ResultsError that names the file and why it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror}; what was written before is still there") from None


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header; None becomes an empty cell, and no text cell can be taken for a formula."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row.get(name)) for name in columns})
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.1f}"
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
