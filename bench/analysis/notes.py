"""What a reader must know of each cell, as notes: reasons, remarks, failures, bounds. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from bench.analysis.outcome import CellResult
from bench.analysis.slices import lost
from bench.analysis.summary import OperationSummary
from bench.plan.matrix import Setup
from bench.plan.note import Kind, Note
from suite import catalogue

A_A = "A/A, the noise floor: the same service twice, so that any difference is noise"
UNKNOWN = "round trips, pool and parity are not known"
UNSEEN = "CPU time, memory, round trips, pool and parity are not known"
ON_THE_PORT = "CPU time and memory are those of its processes as seen on the port, and are not compared"


def unchecked_of_all(results: Sequence[CellResult]) -> tuple[Note, ...]:
    """What the rules of the verdict could not see in any cell that has requests."""
    each = [one.verdict.unchecked for one in results if one.total.requests]
    return tuple(note for note in dict.fromkeys(sum(each, ())) if all(note in one for one in each))


def of_cells(
    results: Sequence[CellResult], shared: Collection[Note] = (), *, with_shared: bool = True
) -> tuple[Note, ...]:
    """The warning examples, the notes on single cells, cell by cell, their bounds, targets, landmarks, the ledger.

    `shared` are the unchecked notes that all cells of the run have: the first ranking has them once, `with_shared`.
    """
    names = [one.cell.service for one in results]
    found = [Note("", Kind.EXAMPLE, text) for text in catalogue.cautions(names)]
    found += [_unchecked("", note) for note in shared if with_shared]
    found += [note for one in results for note in _of_cell(one, shared)]
    found += [Note(one.cell.slug, Kind.SAME, A_A) for one in results if one.cell.arm]
    found += [Note(one.cell.slug, Kind.BOUND, one.bound.evidence, one.bound.by) for one in results if one.bound.by]
    found += _targets(results)
    if any(one.cell.once for one in results):
        found.append(Note("", Kind.LANDMARK, "below the line: measured once, as a landmark, not ranked"))
    if disturbed := lost.sentence([(one.cell.slug, one.lost) for one in results]):
        found.append(Note("", Kind.DISTURBED, disturbed))
    return (*found, *_ledger(results))


def _ledger(results: Sequence[CellResult]) -> Iterator[Note]:
    """What became of everything that began or was due in all windows, in one line."""
    sent, failures, unfinished = (
        sum(getattr(one.total, name) or 0 for one in results) for name in ("requests", "failures", "unfinished")
    )
    missed = sum(one.missed for one in results)
    if sent + missed:
        places = {"succeeded": sent - failures, "failed": failures - unfinished, "missed": missed}
        text = " + ".join(f"{count:,} {name}" for name, count in (places | {"unfinished": unfinished}).items())
        yield Note("", Kind.LEDGER, f"ledger of the windows: {sent + missed:,} requests began or were due = {text}")


def _unchecked(about: str, note: Note) -> Note:
    return Note(about, note.kind, f"{note.kind}: {note.text}")


def _and_more(rounds: int) -> str:
    return f" (and in {rounds - 1} more round{'s'[: rounds > 2]})" if rounds > 1 else ""


def _of_cell(one: CellResult, shared: Collection[Note]) -> Iterator[Note]:
    slug = one.cell.slug
    longer = [note for note in one.remarks if note.kind is Kind.WARM_UP]
    remarks = [note for note in one.remarks if note.kind is not Kind.DISTURBED]  # there is one line for all cells
    for note in (*one.verdict.reasons, *remarks):
        if note not in longer[1:]:  # the reasons of summary.csv have each
            yield Note(slug, note.kind, f"{note}{_and_more(len(longer))}" if note in longer else str(note), note.which)
    for note in one.verdict.unchecked:
        if note not in shared:
            yield _unchecked(slug, note)
    for error, count in one.errors:
        yield Note(slug, Kind.ERROR, f"{count:,} x {error}")
    if one.missed:
        yield Note(slug, Kind.MISSED, f"{one.missed:,} arrivals were due and never sent")
    if one.total.ping_p50_ms is not None:
        median, worst = one.total.ping_p50_ms, one.total.ping_max_ms
        yield Note(slug, Kind.PING, f"GET /ping beside it: {median:,.1f} ms (median), {worst:,.0f} ms (worst)")
    if one.total.loop_lag_mean_ms is not None:
        yield Note(slug, Kind.LOOP_LAG, _lag(one.total))
    if one.reconnects:
        text = f"{one.reconnects:,} connections that the service had closed were opened again"
        yield Note(slug, Kind.RECONNECTS, text)


def _lag(total: OperationSummary) -> str:
    p99 = "" if total.loop_lag_p99_ms is None else f"{total.loop_lag_p99_ms:,.1f} ms (p99), "
    mean, most = f"{total.loop_lag_mean_ms:,.1f} ms (mean)", f"{total.loop_lag_max_ms:,.0f} ms (worst)"
    return f"lag of its event loop: {mean}, {p99}{most}"


def _targets(results: Sequence[CellResult]) -> Iterator[Note]:
    """One of each target: in several cells, it is one program."""
    setups = dict.fromkeys(replace(one.cell.setup, arm="") for one in results if one.cell.setup.url)
    for setup in setups:
        mine = [one for one in results if replace(one.cell.setup, arm="") == setup]
        yield _target(setup, is_seen=any(one.total.service_cpu_ms_per_request is not None for one in mine))


def _target(setup: Setup, *, is_seen: bool) -> Note:
    title = f" ({setup.title})" if setup.title else ""
    if setup.command:
        what = f"started with `{setup.command}`; {UNKNOWN}"
    else:
        what = f"{ON_THE_PORT}; {UNKNOWN}" if is_seen else UNSEEN
    return Note(f"{setup.service}{title}", Kind.TARGET, f"a target at {setup.url}, no service of the suite; {what}")
