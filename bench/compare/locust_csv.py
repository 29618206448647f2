"""Files of Locust itself, from this suite or any other: their rows side by side, the largest changes first."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.compare import locust_forms
from bench.compare.locust_forms import ALL, AVERAGE, FAILURES, RATE, REQUESTS, is_percentile
from suite.errors import ResultsError

FAILED = "failed"  # the share of requests, which these files have no column for
ONLY_OLD, ONLY_NEW = "only in the old file", "only in the new file"
COLUMNS = ("name", "metric", "old", "new", "ratio")
LIMITS = (
    "One run each, so that there is no interval: a ratio may be noise, however far from 1.",
    "Locust rounds percentiles: from 100 ms on to two digits, below to a millisecond.",
    "Times of failed requests are among the percentiles, and failures among the requests/s.",
    "These files do not say on which machine and with which versions the runs were made.",
)
# What Locust rounds to 0 may have been as much as this.
LEAST_MS, LEAST_RATE = 0.5, 0.005


@dataclass(frozen=True)
class Ratio:
    """One figure of a row, as Locust gives it; `ratio` is new / old."""

    name: str
    metric: str
    old: float | None
    new: float | None

    @property
    def ratio(self) -> float | None:
        """New over old."""
        return self.new / self.old if self.new is not None and self.old else None

    @property
    def change(self) -> float:
        """How far the figure moved, up or down: the logarithm of its ratio, or of that of the successful requests."""
        if self.old is None or self.new is None:
            return 0.0
        if self.metric == FAILED:
            old, new, least = 1 - self.old, 1 - self.new, LEAST_RATE
        else:
            old, new, least = self.old, self.new, LEAST_RATE if self.metric == RATE else LEAST_MS
        return abs(math.log(max(new, least) / max(old, least)))

    def row(self) -> dict[str, object]:
        """By column of COLUMNS."""
        return vars(self) | {"ratio": self.ratio}


def compare(old: str | Path, new: str | Path) -> tuple[tuple[Ratio, ...], tuple[Ratio, ...]]:
    """Requests/s, the share of failures where there were any, the average, and every percentile that both have; and
    the names that only one of them has, with their numbers of requests.

    All requests together come first, then the names in the order of their largest change. Raises ResultsError for a
    file that cannot be read, and where they have nothing in common.
    """
    before, after = locust_forms.read(str(old)), locust_forms.read(str(new))
    groups = [ratios for name in after if name in before and (ratios := _ratios(name, before[name], after[name]))]
    if not groups:
        some = f"{next(iter(before))!r} is in the old one, {next(iter(after))!r} in the new one"
        raise ResultsError(
            f"{old} and {new} have no row in common (Type and Name): {some}; name files of the same test"
        )
    groups.sort(key=lambda group: (group[0].name != ALL, -max(one.change for one in group)))
    alone = [Ratio(name, ONLY_OLD, row[REQUESTS], None) for name, row in before.items() if name not in after]
    alone += [Ratio(name, ONLY_NEW, None, row[REQUESTS]) for name, row in after.items() if name not in before]
    return tuple(one for group in groups for one in group), tuple(alone)


def _ratios(name: str, old: Mapping[str, float | None], new: Mapping[str, float | None]) -> list[Ratio]:
    failed = Ratio(name, FAILED, _failed(old), _failed(new))
    found = []
    for column in (RATE, FAILED, AVERAGE, *filter(is_percentile, new)):
        if column == FAILED:
            is_counted = FAILURES in old and FAILURES in new
            found += [failed] if is_counted and (failed.old or failed.new) else []
        elif column in old and column in new:
            found.append(Ratio(name, column, old[column], new[column]))
    return found


def _failed(row: Mapping[str, float | None]) -> float | None:
    requests, failures = row.get(REQUESTS), row.get(FAILURES)
    return failures / requests if requests and failures is not None else None
