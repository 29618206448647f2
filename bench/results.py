"""A run's folder in results/: every file written beside its place and renamed into it, readable at every moment."""

import csv
import errno
import fcntl
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from bench import catalogue
from bench.errors import BenchError, ResultsError, StoppedError, UnwritableError
from bench.plan import Cell

RESULTS = catalogue.CHECKOUT / "results"
LATEST = "latest"
FIRST_ATTEMPT = "first-attempt"
CUT_OFF = "cut-off"
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RESERVE = ".reserve"
RESERVED_BYTES = 256 * 1024
LEAST_FREE_MB = 4.0
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

    def idle_folder(self, round_number: int, service: str) -> Path:
        """Where a service logs that a resumed run starts beside the others, whose own cells it has; made on use."""
        folder = self.folder / "resumed" / f"{round_number:02d}" / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write(self, name: str, text: str) -> None:
        """Put a text file in place at once."""
        write_whole(self.folder / name, text)

    def write_json(self, name: str, value: object) -> None:
        """Put a JSON file in place at once."""
        self.write(name, json.dumps(value, indent=2, default=str) + "\n")

    def status(self, state: str, why: str = "") -> None:
        """Say how the run stands: running, finished, partial, failed or interrupted, and why.

        That it was resumed stays said.
        """
        before = json_object(self.folder / "status.json") or {}
        kept = {"resumed": before["resumed"]} if "resumed" in before else {}
        self.write_json("status.json", {"state": state, "why": why, "at": datetime.now(UTC).isoformat(), **kept})

    def resumed(self, after: str, differences: Sequence[str]) -> None:
        """Say that the run goes on, `after` which measurement, and in spite of what."""
        before = (json_object(self.folder / "status.json") or {}).get("resumed", [])
        now = {"at": datetime.now(UTC).isoformat(), "after": after, "differences": list(differences)}
        status = {"state": "running", "why": "", "at": now["at"], "resumed": [*before, now]}
        self.write_json("status.json", status)

    def reserve(self) -> None:
        """Take room for what must be written at the end, even on a full disk. Raises UnwritableError."""
        with whole(self.folder / RESERVE) as beside:
            beside.write_bytes(os.urandom(RESERVED_BYTES))

    def release(self) -> None:
        """Give that room back."""
        with suppress(OSError):
            (self.folder / RESERVE).unlink()

    def discard(self) -> None:
        """Take the folder away, and with it the name: nothing was measured."""
        shutil.rmtree(self.folder, ignore_errors=True)

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
    """The folder of a run that has measured something, by its name in results/ or by a path.

    Raises ResultsError when there is none.
    """
    for folder in (RESULTS / name, Path(name)):
        if folder.is_symlink() and folder.name != LATEST:
            raise ResultsError(f"{folder} is a symbolic link, and runs are folders; name the folder that it leads to")
        if (folder / "summary.csv").is_file() or any(folder.glob("rounds/[0-9][0-9]/*/window.json")):
            return folder
    if (RESULTS / name / "status.json").is_file():
        raise ResultsError(f"the run {name!r} has measured nothing yet; go on with it: bench run --resume {name}")
    having = ", ".join(run.name for run in finished()[-5:]) or "none yet"
    raise ResultsError(f"there is no run {name!r} with a summary.csv; the newest are: {having}")


def finished() -> list[Path]:
    """Folders of all runs that have a summary, oldest first."""
    runs = [path.parent for path in RESULTS.glob("*/summary.csv") if not path.parent.is_symlink()]
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
        if path.name.startswith((FIRST_ATTEMPT, CUT_OFF)):
            continue
        if not path.name.startswith("service."):  # the service may go on writing to its log and trace
            path.rename(aside / path.name)


def set_aside_cut_off(folder: Path) -> None:
    """Move what a measurement left that was cut off, with its first attempt, into cut-off-N below its folder."""
    left = [path for path in folder.iterdir() if not path.name.startswith(CUT_OFF)]
    if not left:
        return
    number = 1
    while (aside := folder / f"{CUT_OFF}-{number}").exists():
        number += 1
    aside.mkdir()
    for path in left:
        path.rename(aside / path.name)


def check_space(needed_mb: float) -> None:
    """Raise ResultsError when the disk of results/ has less room than a run is expected to need."""
    free_mb = _free_mb()
    if free_mb < needed_mb:
        raise ResultsError(f"{RESULTS} has {free_mb:.0f} MB free, and this run may need {needed_mb:.0f} MB; make room")


@contextmanager
def stopping_when_full() -> Iterator[None]:
    """Turn whatever fails in the block for want of room on the disk of results/ into a StoppedError that says so."""
    try:
        yield
    except (BenchError, OSError) as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or (_free_mb() < LEAST_FREE_MB and not isinstance(error, StoppedError)):
            raise StoppedError(_full()) from error
        raise


def check_room() -> None:
    """Raise StoppedError when the disk of results/ is as good as full."""
    if _free_mb() < LEAST_FREE_MB:
        raise StoppedError(_full())


def _full() -> str:
    return (
        f"the disk of {RESULTS} is full ({_free_mb():.1f} MB free): cells that were finished before are kept; make room"
        " and run again"
    )


def _free_mb() -> float:
    return shutil.disk_usage(RESULTS).free / 1e6


def json_object(path: Path) -> dict[str, Any] | None:
    """None for a file that is missing, or no JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file at the yielded place; it takes its own at the end of the block, so that a reader sees the old one
    or the new one, never a part. Then both the file and its name are on the disk.

    Raises UnwritableError that names the file and why it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)  # were it a link, what it leads to would be written
        yield beside
        _sync(beside)
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        why = error.strerror or error
        raise UnwritableError(f"cannot write {path}: {why}; what was written before is still there") from None


def write_whole(path: Path, text: str) -> None:
    """Write a text file as `whole` does. Raises UnwritableError."""
    with whole(path) as beside, beside.open("x", encoding="utf-8", newline="") as file:
        file.write(text)


def _sync(path: Path) -> None:
    """Have a file's content, or a folder's names, on the disk: what was renamed must not be empty after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
