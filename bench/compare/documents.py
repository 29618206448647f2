"""What a comparison of two runs, or of two files of Locust, says: a table and what belongs to it, in words. Pure."""

import itertools
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.pairs import Conclusion
from bench.compare import cells, locust_csv
from bench.compare.changes import Change, SharedChange
from bench.plan import metrics
from bench.plan.metrics import SHARE, Better
from bench.plan.note import Note
from suite import catalogue

HEADINGS = ("cell", "metric", "old", "new", "new / old", "95% CI", "conclusion")
WITH_NET = ("cell", "metric", "old", "new", "new / old", "net", "95% CI", "conclusion")
INTERVALS = (
    "Intervals are over rounds (Welch's t on logarithms). The 95% hold for all cells of one metric together, not for"
    " several metrics."
)
WHAT_ROUNDS_MISS = f"{INTERVALS} A change of the machine between the two runs looks like a change of the service."
WHAT_NET_IS = (
    f"{INTERVALS} net: new / old, divided by what the cells of the other services changed by. Where it is known, the"
    " interval and the conclusion are about it, so that a faster machine is no better service."
)
MOST_NAMES = 50
"""Of two files of Locust. As Markdown, so many fit into a comment on GitHub."""
FORCED = "NOT ALIKE, compared because of --force"
GOOD, BAD, DIM = "good", "bad", "dim"
SAID = {GOOD: "better", BAD: "worse"}


@dataclass(frozen=True)
class ComparisonRow:
    """A row of the table, as text; `tone` is GOOD, BAD, DIM or empty."""

    cells: tuple[str, ...]
    tone: str = ""


@dataclass(frozen=True)
class Document:
    """`marks` are seen first, then `unranked` cells, what changed `together`, the `headline`, and what `changed`.

    `sections` are lists of lines by heading. `cells` are the changes of each cell by its name.
    """

    old: str
    new: str
    headings: tuple[str, ...]
    rows: tuple[ComparisonRow, ...]
    marks: tuple[str, ...] = ()
    sections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unranked: tuple[str, ...] = ()
    together: str = ""
    headline: str = ""
    changed: tuple[ComparisonRow, ...] = ()
    cells: Mapping[str, Sequence[Change]] = field(default_factory=dict)


def of_runs(
    names: tuple[str, str],
    found: Sequence[Change],
    *,
    shared: Sequence[SharedChange] = (),
    obstacles: Sequence[str] = (),
    remarks: Sequence[Note] = (),
    lost: Sequence[str] = (),
    alone: Sequence[str] = (),
    causes: Mapping[str, Sequence[str]] | None = None,
) -> Document:
    """Two runs: whole cells only, every operation being in compare.csv. `lost`: what became worse without a ratio."""
    whole = [one for one in found if one.operation == "all"]
    services = [one.identity[cells.IDENTITY.index("service")] for one in whole]
    name_of, is_net = cells.named(one.identity for one in whole), any(one.net_ratio is not None for one in whole)
    sections = {"Worse, without a ratio": list(lost)}
    sections["Candidate causes"] = [f"{group}: {line}" for group, lines in (causes or {}).items() for line in lines]
    sections["Not in both"] = list(alone)
    return Document(
        *names,
        WITH_NET if is_net else HEADINGS,
        tuple(ComparisonRow((name_of(one.identity), *_texts(one, is_net=is_net)), tone(one)) for one in whole),
        marks=(*(f"{FORCED}: {one}" for one in obstacles), *map(str, remarks)),
        sections={heading: lines for heading, lines in sections.items() if lines},
        notes=(WHAT_NET_IS if is_net else WHAT_ROUNDS_MISS, *catalogue.cautions(services)),
        unranked=tuple(_unranked(whole, name_of)),
        together=together([one for one in shared if one.operation == "all"]),
        headline=headline(whole, len(lost)),
        changed=tuple(
            ComparisonRow((f"{SAID[wanted]}: {name_of(one.identity)}, {_changed(one)}",), wanted)
            for wanted in (BAD, GOOD)
            for one in whole
            if tone(one) == wanted
        ),
        cells={
            name_of(identity): [one for one in whole if one.identity == identity]
            for identity in dict.fromkeys(one.identity for one in whole)
        },
    )


def _unranked(found: Sequence[Change], name_of: Callable[[tuple[str, ...]], str]) -> Iterator[str]:
    """The cells that may not be compared, and in which of the two runs that is so."""
    for identity, why in {one.identity: one.unranked for one in found}.items():
        if why:
            yield f"not compared: {name_of(identity)}, {why}"


def together(shared: Sequence[SharedChange]) -> str:
    """What all cells were shown to change by, as sentences; empty where that is nothing."""
    shown = [one for one in shared if not one.factor.low <= 1 <= one.factor.high]
    if not shown:
        return ""
    listed = ", ".join(map(_shared, shown))
    return (
        f"All {max(one.cells for one in shown)} cells changed together: {listed}. The machine may have changed, or"
        " something that all services have in common. Each cell is judged by its net change, beside the others."
    )


def headline(found: Sequence[Change], lost: int) -> str:
    """How many figures of whole cells are worse or better, and how many show nothing."""
    tones = Counter(map(tone, found))
    unknown = sum(one.conclusion == Conclusion.NOT_COMPARABLE for one in found)
    counts = {
        "worse": tones[BAD],
        "better": tones[GOOD],
        "without a difference shown": tones[DIM] - unknown,
        "not comparable": unknown,
        "lost": lost,
    }
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count or word in {"worse", "better"})
    return f"Of {len(found)} figures: {said}."


def _changed(one: Change) -> str:
    ratio, *ends = one.judged
    beside = "" if one.net_ratio is None else " beside the others"
    return f"{metrics.named(one.metric).heading} {_ratio(ratio)} ({_interval(*ends)}){beside}"


def _shared(one: SharedChange) -> str:
    factor = one.factor
    return f"{metrics.named(one.metric).heading} {_ratio(factor.ratio)} ({_interval(factor.low, factor.high)})"


def of_files(
    old: str, new: str, found: Sequence[locust_csv.Ratio], alone: Sequence[locust_csv.Ratio], most: int = MOST_NAMES
) -> Document:
    """Two files of Locust: the first `most` names, and how many more there are."""
    names = dict.fromkeys(one.name for one in found)
    shown = set(itertools.islice(names, most))
    rows = tuple(
        ComparisonRow((one.name, one.metric, _of_file(one.old, one), _of_file(one.new, one), _ratio(one.ratio)))
        for one in found
        if one.name in shown
    )
    lonely = [f"{one.metric}: {one.name}" for one in alone[:most]]
    lonely += [f"and {len(alone) - most:,} more"] if len(alone) > most else []
    sections: dict[str, Sequence[str]] = {}
    if len(names) > most or len(alone) > most:
        command = shlex.join(["bench", "compare", old, new, "--format", "csv"])
        sections["Not shown"] = [
            f"{max(len(names) - most, 0):,} more names, which changed less. For all of them: {command}"
        ]
    sections["What these files cannot tell"] = locust_csv.LIMITS
    sections |= {"Not in both": lonely} if lonely else {}
    return Document(old, new, ("name", "metric", "old", "new", "new / old"), rows, sections=sections)


def regression(change: Change, limit: float, name: str) -> str:
    """A regression in one line."""
    return f"regression: {name}: {_changed(change)}, {_beyond(change.metric, limit)}"


def regression_together(change: SharedChange, limit: float) -> str:
    """A regression of all cells in one line."""
    return (
        f"regression: all {change.cells} cells together: {_shared(change)}, {_beyond(change.metric, limit)}. Measure"
        " the old state again: if it is worse now, too, the machine has changed"
    )


def _beyond(metric: str, limit: float) -> str:
    bound = 1 - limit if metrics.named(metric).better is Better.HIGH else 1 + limit
    return f"all of it {'below' if bound < 1 else 'above'} {bound:.4g}"


def tone(change: Change) -> str:
    """Whether a change is for the better."""
    if change.conclusion not in {Conclusion.HIGHER, Conclusion.LOWER}:
        return DIM
    more_is_better = metrics.named(change.metric).better is Better.HIGH
    return GOOD if (change.conclusion == Conclusion.HIGHER) == more_is_better else BAD


def _texts(change: Change, *, is_net: bool) -> tuple[str, ...]:
    metric, better = metrics.named(change.metric), SAID.get(tone(change))
    concluded = f"{change.conclusion}, {better}" if better else change.conclusion
    return (
        metric.heading,
        *(_figure(value, is_share=metric.unit == SHARE) for value in (change.old, change.new)),
        _ratio(change.ratio),
        *([_ratio(change.net_ratio)] if is_net else []),
        _interval(*change.judged[1:]),
        ": ".join(text for text in (concluded, change.why) if text),
    )


def _of_file(value: float | None, ratio: locust_csv.Ratio) -> str:
    return _figure(value, is_share=ratio.metric == locust_csv.FAILED)


def _figure(value: float | None, *, is_share: bool) -> str:
    if value is None:
        return ""
    if is_share:
        return f"{value:.2%}"
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value < 1000 else "over 1000"


def _interval(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{_ratio(low)} .. {_ratio(high)}"
    if low is not None:
        return f"at least {_ratio(low)}"
    return f"at most {_ratio(high)}" if high is not None else ""
