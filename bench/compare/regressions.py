"""Which changes are regressions: those that lie wholly beyond a limit, for the worse. Pure."""

from collections.abc import Sequence

from bench.analysis.pairs import Conclusion
from bench.compare.changes import Change, SharedChange
from bench.plan import metrics
from bench.plan.metrics import Better


def regressed(changes: Sequence[Change], limit: float) -> list[Change]:
    """Whole cells' changes for the worse whose interval lies wholly beyond `limit`, a share; at the limit is within."""
    return [
        one
        for one in changes
        if one.operation == "all"
        and one.conclusion != Conclusion.NOT_COMPARABLE
        and _is_beyond(one.metric, *one.judged[1:], limit)
    ]


def regressed_together(changes: Sequence[SharedChange], limit: float) -> list[SharedChange]:
    """The same of what all cells share."""
    return [
        one
        for one in changes
        if one.operation == "all" and _is_beyond(one.metric, one.factor.low, one.factor.high, limit)
    ]


def _is_beyond(metric: str, low: float | None, high: float | None, limit: float) -> bool:
    if metrics.named(metric).better is Better.HIGH:
        return high is not None and high < 1 - limit
    return low is not None and low > 1 + limit
