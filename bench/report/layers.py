"""The layers of a request's CPU time in words and as lines of a table, for the terminal and the page."""

from collections.abc import Sequence

from bench.analysis.profiling.layers import OTHER, Layer
from bench.analysis.profiling.profile import WHOLE, CellProfile, LayerDifference, LayerTime, differences
from bench.analysis.profiling.shares import FEWEST_LOST
from bench.report.formats import within
from suite.catalogue import marked

LEAST_MS = 0.005  # a smaller difference is not worth a word
MOST_NAMED = 5
PAIR = 2
"""Of so many cells, a table has the differences."""
MOST_UNKNOWN = 0.05
FEW_SAMPLES = 400
INDENT = "\N{EM SPACE}"
Line = tuple[str, ...]


def name(layer: Layer) -> str:
    """Of a layer in the first column: a part stands below its layer."""
    if layer.name == WHOLE:
        return "a whole request"
    return f"{INDENT}{layer.part}" if layer.part else layer.name


def of_one(cell: CellProfile) -> list[Line]:
    """Each layer and part of one cell: name, ms a request, interval, share."""
    return [(name(one.layer), f"{one.ms:.3f}", _interval(one.interval), f"{one.share:.0%}") for one in _worth(cell)]


def beside(cells: Sequence[CellProfile]) -> list[Line]:
    """Each layer of several cells: name, then ms a request in each."""
    known = {cell.slug: {one.layer: one.ms for one in cell.times} for cell in cells}
    order = dict.fromkeys(one.layer for cell in cells for one in cell.times if not one.layer.part)
    places = sorted(order, key=lambda layer: max(_place(cell, layer) for cell in cells))
    return [(name(layer), *(_ms(known[cell.slug].get(layer)) for cell in cells)) for layer in places]


def of_two(one: CellProfile, other: CellProfile) -> list[Line]:
    """Each layer and part of two cells: name, ms a request in each, the difference and its interval."""
    mine, theirs = ({each.layer: each.ms for each in cell.times} for cell in (one, other))
    return [
        (
            name(each.layer), _ms(mine.get(each.layer)), _ms(theirs.get(each.layer)), f"{each.ms:+.3f}",
            _interval(each.interval, signed=True),
        )
        for each in differences(one, other)
    ]  # fmt: skip


def sentence(one: CellProfile, other: CellProfile) -> str:
    """How much dearer one of two is, and which layers or parts that is: the largest differences first."""
    every = differences(one, other)
    if not every:
        return ""
    whole = every[0]
    if whole.ms < 0:
        one, other, every = other, one, differences(other, one)
        whole = every[0]
    first, second = (within(cell.scenario, cell.slug) for cell in (one, other))
    named = [f"{_said(each)} {each.ms:+.3f}" for each in _finest(every) if abs(each.ms) >= LEAST_MS and _is_shown(each)]
    more = ", ".join(named[:MOST_NAMED])
    return f"{first} takes {whole.ms:.3f} ms more CPU time a request than {second}" + (f": {more}" if more else "")


def notes(cells: Sequence[CellProfile]) -> list[str]:
    """What a reader must know of these figures: the profiler's cost, samples that are lost or few, unknown code."""
    said = []
    known = [cell for cell in cells if cell.times]
    costs = [f"{marked(cell.slug)} {cell.cost:.2f}{_times(cell.cost_interval)}" for cell in known if cell.cost]
    if costs:
        said.append(f"CPU time a request beside the profiler, times that without it: {', '.join(costs)}")
    lost = [f"{marked(cell.slug)} {cell.lost:.0%}" for cell in known if cell.lost >= FEWEST_LOST]
    if lost:
        said.append(f"Samples that could not be read, weighed by a second look without machine code: {', '.join(lost)}")
    if few := [f"{marked(cell.slug)} {cell.samples}" for cell in known if cell.samples < FEW_SAMPLES]:
        said.append(f"Few samples: {', '.join(few)}")
    for cell in known:
        share = next((one.share for one in cell.layers if one.layer.name == OTHER), 0.0)
        if share > MOST_UNKNOWN:
            named = ", ".join(cell.unknown[:MOST_NAMED])
            said.append(
                f"{marked(cell.slug)}: {share:.0%} is in no layer of bench/analysis/profiling/layers.toml: {named}"
            )
    problems = dict.fromkeys(cell.problem for cell in cells if cell.problem)
    said += [
        f"{', '.join(marked(cell.slug) for cell in cells if cell.problem == why)}: no layers: {why}" for why in problems
    ]
    return said


def dearest_first(cells: Sequence[CellProfile]) -> list[CellProfile]:
    """Those that have layers, the most CPU time a request first."""
    return sorted((cell for cell in cells if cell.times), key=lambda cell: -cell.cpu_ms)


def _worth(cell: CellProfile) -> list[LayerTime]:
    """Without the parts of a layer that has only one."""
    parts = [one.layer.name for one in cell.times if one.layer.part]
    return [one for one in cell.times if not one.layer.part or parts.count(one.layer.name) > 1]


def _finest(every: Sequence[LayerDifference]) -> list[LayerDifference]:
    """Parts in place of a layer that has several, the largest difference first."""
    parts = [one.layer.name for one in every if one.layer.part]
    finest = [one for one in every[1:] if one.layer.part or one.layer.name not in parts]
    return sorted(finest, key=lambda one: -abs(one.ms))


def _is_shown(one: LayerDifference) -> bool:
    """Whether the rounds agree that there is a difference."""
    return one.interval is None or one.interval[0] > 0 or one.interval[1] < 0


def _said(one: LayerDifference) -> str:
    return f"{one.layer.name} ({one.layer.part})" if one.layer.part else one.layer.name


def _place(cell: CellProfile, layer: Layer) -> int:
    order = [one.layer for one in cell.times]
    return order.index(layer) if layer in order else -1


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(interval: tuple[float, float] | None, *, signed: bool = False) -> str:
    form = "+.3f" if signed else ".3f"
    return "" if interval is None else f"{interval[0]:{form}} .. {interval[1]:{form}}"


def _times(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({interval[0]:.2f} .. {interval[1]:.2f})"
