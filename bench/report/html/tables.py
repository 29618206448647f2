"""Tables of the page, as plain text: what each has in its rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.analysis import Ceiling, Ranking
from bench.analysis.outcome import CellResult
from bench.analysis.pairing.families import Family
from bench.analysis.pairs import Conclusion
from bench.analysis.parity import ParityRow
from bench.analysis.profiling.profile import CellProfile
from bench.analysis.rulings import Ruling
from bench.compare import causes
from bench.plan import metrics
from bench.plan.metrics import Place
from bench.plan.note import Kind, Note
from bench.report import answer, layers
from bench.report.formats import confidence_of, figure_of, number
from suite.catalogue import marked

REASONS = {
    Kind.INVALID,
    Kind.FLOOR,
    Kind.UNJUDGED,
    Kind.DISTURBED,
    Kind.UNCHECKED,
    Kind.REMADE,
    Kind.DISAGREES,
    Kind.MISCOUNTED,
    Kind.ERROR,
    Kind.MISSED,
    Kind.BOUND,
    Kind.OVERLOAD,
    Kind.WAITED,
    Kind.WARM_UP,
}
VERDICTS = {Kind.INVALID, Kind.FLOOR, Kind.UNJUDGED}


@dataclass(frozen=True)
class PageTable:
    """The first column names the row; `numbers` are the columns to align right. `dim` rows are not ranked."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    dim: frozenset[int] = frozenset()


def ranking(found: Ranking) -> PageTable:
    """One scenario's cells, best first, then those that are not ranked."""
    first, others = found.ranked, found.others
    best = first[0].total.throughput_rps if first and not found.paced else None
    columns = (
        "cell", "verdict", "requests/s", "95% interval", "of best", "p50 ms", "p99 ms", "CPU ms per request", "failed",
        "bound by",
    )  # fmt: skip
    rows = tuple(_ranking_row(one, best) for one in (*first, *others))
    dim = frozenset(range(len(first), len(rows)))
    return PageTable(found.scenario, columns, rows, frozenset(range(2, 9)), dim)


def _ranking_row(one: CellResult, best: float | None) -> tuple[str, ...]:
    total, interval = one.total, one.total.throughput_interval
    return (
        marked(one.cell.slug),
        one.verdict.name + (", once" if one.cell.once else "") + (", A/A" if one.cell.arm else ""),
        figure_of(total.throughput_rps),
        f"{figure_of(interval[0])} to {figure_of(interval[1])}" if interval else "",
        f"{(total.throughput_rps or 0) / best:.0%}" if best and one.verdict.ranks and not one.cell.once else "",
        number(total.latency_p50_ms, ",.1f"),
        number(total.latency_p99_ms, ",.1f"),
        number(total.service_cpu_ms_per_request, ".3f"),
        f"{total.failures:,}",
        one.bound.by,
    )


def reasons(notes: Sequence[Note]) -> list[str]:
    """The reasons for each cell's verdict, its failures and its bound, a line each."""
    return [_line(note) for note in notes if note.kind in REASONS]


def _line(note: Note) -> str:
    if note.kind is Kind.BOUND:
        return f"{marked(note.about)}, bound by {note.which}: {note.text}"
    return f"{marked(note.about)}, {note.kind}: {note.text}" if note.kind in VERDICTS else str(note)


def contrasts(found: Ranking, family: Family) -> PageTable | None:
    """Every pair of a family with its ratios; None where there is no pair."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    pairs = found.contrasts(family)
    for one in pairs:
        shown = answer.interval_of(one)
        same = one.ratio is not None and one.conclusion == Conclusion.NONE_SHOWN
        rows.setdefault((one.candidate, one.baseline), {})[one.metric] = (
            f"{shown}: {one.conclusion}" if same else shown if one.ratio is not None else f"{shown}: {one.why}"
        )
    if not rows:
        return None
    compared = metrics.in_(Place.COMPARISON)
    to = found.baseline if family is Family.BASELINE else ""
    return PageTable(
        f"Ratios{f' to {marked(to)}' if to else ''} ({confidence_of(pairs, to)})",
        ("candidate / baseline", *(metric.title for metric in compared)),
        tuple(
            (f"{marked(candidate)} / {marked(baseline)}", *(cells.get(metric.name, "") for metric in compared))
            for (candidate, baseline), cells in rows.items()
        ),
    )


def ceilings(rows: Sequence[Ceiling]) -> PageTable | None:
    """Of the cells that have a ceiling."""
    known = [row for row in rows if row.no_database_rps or row.pgbench_rps]
    if not known:
        return None
    shown = tuple(
        (
            marked(row.service),
            figure_of(row.throughput_rps),
            number(row.no_database_rps, ",.0f"),
            number(row.of_no_database, ".0%"),
            number(row.pgbench_rps, ",.0f"),
            number(row.of_pgbench, ".0%"),
        )
        for row in known
    )
    columns = ("cell", "requests/s", "without a database", "share", "pgbench, the same SQL", "share")
    return PageTable("Ceilings (requests/s)", columns, shown, frozenset(range(1, 6)))


def pings(results: Sequence[CellResult]) -> PageTable | None:
    """What `GET /ping` took beside the load; None where it was not asked."""
    rows = tuple(
        (marked(one.cell.slug), number(one.total.ping_p50_ms, ",.1f"), number(one.total.ping_max_ms, ",.0f"))
        for one in results
        if one.total.ping_p50_ms is not None
    )
    columns = ("cell", "median ms", "worst ms")
    return (
        PageTable("GET /ping beside the load, which needs no database", columns, rows, frozenset((1, 2)))
        if rows
        else None
    )


def loop_lags(results: Sequence[CellResult]) -> PageTable | None:
    """How late each service's event loop ran a timer; None where it was not asked."""
    rows = tuple(
        (
            marked(one.cell.slug),
            number(one.total.loop_lag_mean_ms, ",.1f"),
            number(one.total.loop_lag_p99_ms, ",.1f"),
            number(one.total.loop_lag_max_ms, ",.0f"),
        )
        for one in results
        if one.total.loop_lag_mean_ms is not None
    )
    columns = ("cell", "mean ms", "p99 ms", "worst ms")
    caption = "Lag of the event loop: how late it ran a timer that was due"
    return PageTable(caption, columns, rows, frozenset((1, 2, 3))) if rows else None


def costs(results: Sequence[CellResult]) -> PageTable | None:
    """Round trips, statements and transactions of each operation; None where none is known."""
    shown = sorted(metrics.in_(Place.COSTS), key=lambda metric: metric.title)
    known = [(marked(one.cell.slug), each.operation, each.columns(shown)) for one in results for each in one.operations]
    found = tuple(
        (slug, operation, *(number(value, ".2f") for value in values.values()))
        for slug, operation, values in known
        if any(value is not None for value in values.values())
    )
    if not found:
        return None
    columns = ("cell", "operation", *(metric.title for metric in shown))
    return PageTable("Per request; empty: not known", columns, found, frozenset(range(2, len(columns))))


def claims(rulings: Sequence[Ruling]) -> PageTable:
    """Each claim: the expected figure, the measured figure, the ruling."""
    rows = tuple(
        (one.claim, one.source, one.metric, one.expected, _measured(one), one.ruling, one.why) for one in rulings
    )
    columns = ("claim", "source", "metric", "expected", "measured (95% interval)", "ruling", "why")
    return PageTable("Published claims, as this run bears them out", columns, rows)


def _measured(one: Ruling) -> str:
    if one.measured is None:
        return ""
    if one.ci_low is None and one.ci_high is None:
        return figure_of(one.measured)
    return f"{figure_of(one.measured)} ({figure_of(one.ci_low)} to {figure_of(one.ci_high)})"


def parity(rows: Sequence[ParityRow], *, differing: bool) -> PageTable:
    """The facts that differ, or all of them."""
    shown = tuple(
        (row.fact, f"{marked(row.service)} ({row.profile})", row.value, row.asked, row.whose, row.why)
        for row in rows
        if row.whose or not differing
    )
    columns = ("fact", "service", "observed", "the plan asks for", "whose difference", "why")
    return PageTable("What differs" if differing else "Every fact", columns, shown)


def settings(caption: str, values: Mapping[str, Any]) -> PageTable:
    """Nested settings, one a row."""
    rows = tuple((name, str(value)) for name, value in causes.flat(values).items())
    return PageTable(caption, ("setting", "value"), rows)


def layers_of_one(cell: CellProfile) -> PageTable:
    """The layers and parts of one cell."""
    columns = ("layer", "ms per request", "95% interval", "share")
    return PageTable(f"{marked(cell.slug)}: layers", columns, tuple(layers.of_one(cell)), frozenset({1, 2, 3}))


def layers_of_two(one: CellProfile, other: CellProfile) -> PageTable:
    """The layers and parts of two cells, and their differences; the largest first."""
    columns = ("layer", marked(one.slug), marked(other.slug), "difference", "95% interval")
    caption = f"{one.scenario}: CPU time per request (ms)"
    return PageTable(caption, columns, tuple(layers.of_two(one, other)), frozenset({1, 2, 3, 4}))


def layers_beside(scenario: str, cells: Sequence[CellProfile]) -> PageTable:
    """Each layer of several cells."""
    columns = ("layer", *(marked(cell.slug) for cell in cells))
    caption = f"{scenario}: CPU time per request (ms)"
    return PageTable(caption, columns, tuple(layers.beside(cells)), frozenset(range(1, len(cells) + 1)))
