"""Checks the free space on the disk of results/."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from bench.store.runs import RESULTS
from suite.errors import BenchError, ResultsError, StoppedError

LEAST_FREE_MB = 4.0


def check_space(needed_mb: float) -> None:
    """Raise ResultsError when the disk of results/ has less room than a run is expected to need."""
    free_mb = _free_mb()
    if free_mb < needed_mb:
        raise ResultsError(f"{RESULTS} has {free_mb:.0f} MB free, and this run may need {needed_mb:.0f} MB; make room")


@contextmanager
def stopping_when_full() -> Iterator[None]:
    """Turn an error in the block into a StoppedError if the disk of results/ is full."""
    try:
        yield
    except (BenchError, OSError) as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or (_free_mb() < LEAST_FREE_MB and not isinstance(error, StoppedError)):
            raise StoppedError(_full()) from error
        raise


def check_room() -> None:
    """Raise StoppedError when the disk of results/ is almost full."""
    if _free_mb() < LEAST_FREE_MB:
        raise StoppedError(_full())


def _full() -> str:
    return (
        f"the disk of {RESULTS} is full ({_free_mb():.1f} MB free): cells that were finished before are kept; make room"
        " and run again"
    )


def _free_mb() -> float:
    return shutil.disk_usage(RESULTS).free / 1e6
