"""Numbers as text, for tables and pages, and what an interval holds for; empty where unknown."""

from collections.abc import Sequence

from bench.analysis import pairs
from bench.analysis.pairs import Pair
from suite.catalogue import marked


def figure_of(value: float | None) -> str:
    """Three significant digits, and always all digits before the point."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def number(value: float | None, form: str) -> str:
    """In this format."""
    return "" if value is None else format(value, form)


def minutes(seconds: float) -> str:
    """Whole minutes, at least one."""
    return f"{max(1, round(seconds / 60))} min"


def within(scenario: str, slug: str) -> str:
    """A cell's name where its scenario is said already, marked if its service is a warning example."""
    return marked("-".join(part for part in slug.split("-") if part != scenario))


def confidence_of(contrasts: Sequence[Pair], baseline: str = "") -> str:
    """What the intervals in a column of ratios hold for, given all pairs of a family; `baseline` where it is its."""
    count = pairs.sharing(contrasts)
    which = f"ratios with {marked(baseline)} in" if baseline else "ratios of"
    together = f" of all {count} {which} this column together" if count > 1 else ""
    alone = "; A/A alone" if together and any(map(pairs.is_twin, contrasts)) else ""
    return f"95% CI{together}{alone}"
