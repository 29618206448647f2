"""The cells of a run as a comparison takes them: which are the same in two runs, and how they are named. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from suite.catalogue import marked

# What makes a cell of one run and a cell of another the same, as summary.csv has it.
IDENTITY = (
    "scenario", "service", "profile", "server", "workers", "pool_size", "parameters", "arrival", "users",
)  # fmt: skip
# Arrivals at rates further apart than this are another load.
SAME_RATE = 0.02


@dataclass(frozen=True)
class OperationFigures:
    """One operation of one cell of one run.

    `rounds` has each metric in each round that counts, None where it is not known; it is empty where only `whole`, the
    figures of all rounds together, could be read. `numbers` are the numbers of these rounds, where they are not 1, 2,
    3 and so on. `first_stage`: the rounds whose spread decided how many there are. `once`: a landmark, measured once.
    """

    identity: tuple[str, ...]
    operation: str
    verdict: str
    whole: Mapping[str, float | None]
    rounds: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    round_count: int = 0
    offered_rps: float | None = None
    first_stage: int | None = None
    once: bool = False
    requests: int | None = None
    failures: int | None = None
    numbers: Sequence[int] = ()

    @property
    def service(self) -> str:
        """Its name."""
        return self.identity[IDENTITY.index("service")]

    def by_round(self, metric: str) -> dict[int, float]:
        """The positive values of one metric, by the number of the round."""
        values = self.rounds.get(metric)
        if not values:
            return {}
        numbers = self.numbers or range(1, len(values) + 1)
        return {number: value for number, value in zip(numbers, values, strict=True) if value}


def only(
    old: Sequence[OperationFigures], new: Sequence[OperationFigures]
) -> tuple[list[OperationFigures], list[OperationFigures]]:
    """The cells that only the old run has, and those that only the new one has; landmarks need not be in both."""
    return _without(old, new), _without(new, old)


def _without(some: Sequence[OperationFigures], others: Sequence[OperationFigures]) -> list[OperationFigures]:
    known = {one.identity for one in others}
    return [one for one in some if one.operation == "all" and not one.once and one.identity not in known]


def other_load(old: OperationFigures, new: OperationFigures) -> bool:
    """Whether arrivals were offered at rates too far apart to be the same load."""
    rates = (old.offered_rps, new.offered_rps)
    return None not in rates and abs((rates[1] or 0) / (rates[0] or 1) - 1) > SAME_RATE


def named(cells: Iterable[tuple[str, ...]]) -> Callable[[tuple[str, ...]], str]:
    """How to name each cell: its service, and its values on the axes on which these cells differ.

    A target has no value on most axes, and that is no difference.
    """
    axes = {identity: _axes(identity) for identity in cells}
    names = dict.fromkeys(name for one in axes.values() for name in one)
    varying = [name for name in names if len({value for one in axes.values() if (value := one.get(name))}) > 1]

    def name_of(identity: tuple[str, ...]) -> str:
        own = _axes(identity)
        return ", ".join(
            [marked(identity[IDENTITY.index("service")]), *(f"{name} {own[name]}" for name in varying if own.get(name))]
        )

    return name_of


def _axes(identity: tuple[str, ...]) -> dict[str, str]:
    own = dict(zip(IDENTITY, identity, strict=True))
    parameters = [part.partition("=") for part in own.pop("parameters").split(";") if part]
    own |= {name: value for name, _, value in parameters}
    return {name: value for name, value in own.items() if name != "service"}
