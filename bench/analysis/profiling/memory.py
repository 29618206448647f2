"""What one more connection, thread or worker costs in memory: the slope of a straight line through points. Pure.

Ordinary least squares of memory on the value, over all points of all rounds. The interval of the slope is Student's,
with n - 2 degrees of freedom. Source: any textbook on simple linear regression, for example Draper and Smith, "Applied
Regression Analysis", 3rd edition (1998), sections 1.2 to 1.4.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from scipy.special import stdtrit

Resource = Literal["connection", "thread", "worker"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class MemoryPoint:
    """The memory of a service with `value` connections (of each worker), threads (of each worker) or workers, in MB.

    `service_pss_mb` is the PSS of all its processes. `database_pss_mb` is that of the PostgreSQL processes behind its
    connections; None where they cannot be seen. Pages of files (programs, libraries) are left out. 1 MB is 10^6 bytes.
    """

    of: Resource
    value: int
    round: int
    service_pss_mb: float
    database_pss_mb: float | None


@dataclass(frozen=True)
class MemoryCost:
    """What one more `of` costs, in MB, each with its 95% interval, and the values that were measured.

    What it costs in PostgreSQL is None where its processes were not seen at every point.
    """

    service: str
    of: Resource
    points: tuple[int, ...]
    service_mb_each: float
    ci_low: float
    ci_high: float
    database_mb_each: float | None
    database_ci_low: float | None
    database_ci_high: float | None


COLUMNS = tuple(field.name for field in fields(MemoryCost))


def costs(service: str, points: Sequence[MemoryPoint]) -> tuple[MemoryCost, ...]:
    """The cost of each resource that was measured at three points or more, not all at one value."""
    return tuple(_costs(service, points))


def rows(found: Sequence[MemoryCost]) -> list[Mapping[str, Any]]:
    """A row a cost, for `memory.csv`. The values of a cost are in one column, with spaces between them."""
    return [asdict(one) | {"points": " ".join(map(str, one.points))} for one in found]


def slope(
    values: Sequence[float], sizes: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """The slope of `sizes` on `values` and the ends of its interval, all in units of a size for each unit of a value.

    Raises ValueError for fewer than three points, and where all have the same value.
    """
    count = len(values)
    if count < 3 or len(set(values)) < 2:
        raise ValueError("a slope with an interval takes three points, not all at one value")
    mean_value, mean_size = math.fsum(values) / count, math.fsum(sizes) / count
    spread = math.fsum((value - mean_value) ** 2 for value in values)
    pairs = list(zip(values, sizes, strict=True))
    each = math.fsum((value - mean_value) * (size - mean_size) for value, size in pairs) / spread
    residuals = math.fsum((size - mean_size - each * (value - mean_value)) ** 2 for value, size in pairs)
    freedom = count - 2
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(residuals / freedom / spread)
    return each, each - half, each + half


def _costs(service: str, points: Sequence[MemoryPoint]) -> Iterator[MemoryCost]:
    for of in get_args(Resource):
        mine = [one for one in points if one.of == of]
        values = [one.value for one in mine]
        if len(mine) < 3 or len(set(values)) < 2:
            continue
        seen = [one.database_pss_mb for one in mine if one.database_pss_mb is not None]
        in_database = slope(values, seen) if len(seen) == len(mine) else (None, None, None)
        in_service = slope(values, [one.service_pss_mb for one in mine])
        yield MemoryCost(service, of, tuple(sorted(set(values))), *in_service, *in_database)
