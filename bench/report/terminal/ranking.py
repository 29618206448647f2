"""The ranking of a scenario for the terminal, with what a reader must know of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis import ceilings
from bench.analysis.analysis import Ranking
from bench.analysis.intervals import half_width
from bench.analysis.outcome import CellResult
from bench.plan.note import Kind, Note
from bench.report import answer
from bench.report.answer import ScenarioAnswer
from bench.report.formats import number, within
from bench.report.terminal import ratios, sweep
from suite.catalogue import marked

MOST_ERRORS = 3
STYLES = {
    Kind.INVALID: "red",
    Kind.FLOOR: "yellow",
    Kind.UNJUDGED: "yellow",
    Kind.DISTURBED: "yellow",
    Kind.ERROR: "red",
    Kind.LEDGER: "dim",
    Kind.MISSED: "red",
    Kind.UNCHECKED: "dim",
    Kind.OVERLOAD: "yellow",
    Kind.WAITED: "red",
    Kind.WARM_UP: "dim",
    Kind.SAME: "dim",
    Kind.EXAMPLE: "bold yellow",
    Kind.TARGET: "dim",
    Kind.LANDMARK: "dim",
}


def ranking(found: Ranking, *, all_pairs: bool = False) -> RenderableType:
    """What one scenario answers, then its cells, the highest throughput first (open load: the lowest latency).

    A sweep has its curves in place of the table. Below a line are the cells that are not ranked. `all_pairs`: their
    ratios, too, where the plan has a baseline.
    """
    mine, paced, ranked, others = found.results, found.paced, found.ranked, found.others
    best = ranked[0].rps if ranked and not paced else 0.0
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("service", overflow="fold")
    timed = ("p50 ms", "p99 ms", "uncorrected p99") if paced else ("of best", "p50 ms", "p99 ms")
    for heading in ("requests/s", "95% CI", *timed, "CPU ms", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in ranked:
        table.add_row(*_table_row(result, best, paced=paced))
    if ranked and others:
        table.add_section()
    for result in others:
        table.add_row(*_table_row(result, best if result.verdict.ranks else 0.0, paced=paced), style="dim")
    title = Text.assemble((found.scenario, "bold"), f" - {found.summary}" if found.summary else "")
    curves = [] if paced else sweep.parts(found.curves, mine)
    first = answer.of(found)
    notes = [note for note in found.notes if not first.has_said(note)]
    parts = [title, *_answer(first), *(curves or [table]), *_notes(notes), *ratios.parts(found, all_pairs=all_pairs)]
    if not paced:
        parts += _ceilings(found)
    return Group(*parts)


def _answer(said: ScenarioAnswer) -> Iterator[Text]:
    """What is not ranked first, then what served most, then each pair that matters."""
    for cells in said.unranked:
        yield Text(str(cells), style=STYLES[cells.kind])
    yield Text(said.leader)
    yield from (Text(f"- {sentence}") for sentence in said.sentences)


def _notes(found: Sequence[Note]) -> list[Text]:
    """The notes in their order; of each cell's errors the most frequent, of each bound the first cell."""
    lines, errors, bounds = [], Counter[str](), set[str]()
    for note in found:
        errors[note.about] += note.kind is Kind.ERROR
        if (note.kind is Kind.ERROR and errors[note.about] > MOST_ERRORS) or (
            note.kind is Kind.BOUND and note.which in bounds
        ):
            continue
        if note.kind is Kind.BOUND:
            bounds.add(note.which)
            lines.append(Text(f"bound by {note.which}, {note}", style="dim"))
        else:
            lines.append(Text(str(note), style=STYLES.get(note.kind, "")))
    return lines


def _ceilings(found: Ranking) -> list[Text]:
    """Each service's share of the throughput without a database, and of pgbench's."""
    lines = []
    for landmark in found.landmarks:
        same = [one for one in found.ranked if ceilings.has_load_of(landmark.cell, one.cell)]
        shares = ", ".join(f"{marked(one.cell.slug)} {one.rps / landmark.rps:.0%}" for one in same)
        if same:
            lines.append(f"{marked(landmark.cell.slug)} (the same load) {landmark.rps:,.0f} requests/s: {shares}")
    by_slug = {one.service: one for one in found.ceilings}
    known = [one for result in found.ranked if (one := by_slug[result.cell.slug]).pgbench_rps]
    for connections, rps in dict.fromkeys((one.pgbench_connections, one.pgbench_rps) for one in known):
        measured = [one for one in known if (one.pgbench_connections, one.pgbench_rps) == (connections, rps)]
        shares = ", ".join(f"{marked(one.service)} {one.of_pgbench:.0%}" for one in measured)
        lines.append(f"pgbench (the same SQL on {connections} connections) {rps:,.0f} requests/s: {shares}")
    return [Text(line) for line in lines]


def _table_row(result: CellResult, best: float, *, paced: bool) -> list[str]:
    total = result.total
    p50, p99 = (number(value, ",.1f") for value in (total.latency_p50_ms, total.latency_p99_ms))
    of_best = f"{result.rps / best:.0%}" if best else ""
    return [
        within(result.cell.scenario, result.cell.slug),
        number(total.throughput_rps, ",.0f"),
        half_width(total.throughput_interval),
        *((p50, p99, number(total.service_time_p99_ms, ",.1f")) if paced else (of_best, p50, p99)),
        number(total.service_cpu_ms_per_request, ".3f"),
        f"{total.failures:,}",
        result.bound.by,
        result.verdict.name,
    ]
