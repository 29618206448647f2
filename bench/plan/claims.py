"""Published claims as a plan writes them: who said what, and which figures of which cells would bear it out."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bench.plan import metrics
from bench.plan.metrics import Known, Place
from suite.lookup import nearest

Value = str | int | float
Text = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

OF_SOME = ("driver",)
"""Axes that options may take away with the last service that has them."""

# What a claim can be about: what each round of a cell knows for itself.
METRICS = metrics.names(Place.CLAIMS)
OF_AN_OPERATION = tuple(one.name for one in metrics.in_(Place.CLAIMS) if one.known is Known.OPERATION)


def _selector(value: Any) -> Any:
    """Accept a slug in place of a table. Refuse other values."""
    if isinstance(value, str):
        return {"slug": value}
    if not isinstance(value, dict) or not value:
        raise ValueError('a cell is named by its slug or by axes, for example {service = "asyncpg_async"}')
    for name, one in value.items():
        if isinstance(one, bool) or not isinstance(one, Value):
            raise ValueError(f"{name} is {one!r}; a cell has one text or number for each axis")  # noqa: TRY004  # pydantic wants it
    return value


Selector = Annotated[dict[str, Value], BeforeValidator(_selector)]


class Claim(BaseModel):
    """One claim: `cell` has a value, `candidate` / `baseline` a ratio, or `ranking` an order, the highest first.

    It is about all requests of a cell, or about those of one `operation`.
    A value or a ratio is expected between the two numbers of `expected`, or to be `at_least` or `at_most` something.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Text
    source: Text
    claim: Text
    metric: str
    operation: Text | None = None
    cell: Selector | None = None
    candidate: Selector | None = None
    baseline: Selector | None = None
    ranking: list[Selector] | None = None
    expected: list[Finite] | None = None
    at_least: Finite | None = None
    at_most: Finite | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "Claim":
        if self.metric not in METRICS:
            near = nearest(self.metric, METRICS)
            raise ValueError(f"there is no metric {self.metric!r}{near}; there are: {', '.join(METRICS)}")
        if self.operation is not None and self.metric not in OF_AN_OPERATION:
            raise ValueError(
                f"{self.metric} is known only of all operations together: the claim can have no operation; known of"
                f" each are: {', '.join(OF_AN_OPERATION)}"
            )
        ratio = (self.candidate is not None, self.baseline is not None)
        if [self.cell is not None, any(ratio), self.ranking is not None].count(True) != 1 or any(ratio) != all(ratio):
            raise ValueError("it needs exactly one of: cell, candidate and baseline, ranking")
        if self.ranking is not None and len(self.ranking) < 2:
            raise ValueError("a ranking has at least two cells, the highest first")
        ranges = [self.expected, self.at_least, self.at_most]
        if [one is not None for one in ranges].count(True) != (0 if self.ranking is not None else 1):
            raise ValueError("a cell or a ratio needs one of expected, at_least and at_most; a ranking needs none")
        if self.expected is not None and (len(self.expected) != 2 or self.expected[0] > self.expected[1]):
            raise ValueError(f"expected is {self.expected}; give two numbers, the lower one first")
        return self

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Which cells it is about, in the order of a ranking, or the candidate before the baseline."""
        one_or_two = tuple(one for one in (self.cell, self.candidate, self.baseline) if one is not None)
        return one_or_two or tuple(self.ranking or ())

    @property
    def low(self) -> float:
        """The lower end of the expected interval; -inf where it is open."""
        return self.expected[0] if self.expected else -float("inf") if self.at_least is None else self.at_least

    @property
    def high(self) -> float:
        """The upper end of the expected interval; inf where it is open."""
        return self.expected[1] if self.expected else float("inf") if self.at_most is None else self.at_most


class Named(Protocol):
    """A cell: a slug, and its value on every axis and parameter."""

    @property
    def slug(self) -> str:
        """Its name within the run."""

    @property
    def axes(self) -> Mapping[str, Value | None]:
        """By name; `arm` is not empty for one that repeats another."""


T = TypeVar("T", bound=Named)


def matching(selector: Selector, cells: Sequence[T]) -> list[T]:
    """The cells that a selector names; one that repeats another (an A/A arm) only where slug or arm asks for it."""
    asked = selector if {"slug", "arm"} & selector.keys() else {**selector, "arm": ""}
    return [cell for cell in cells if {"slug": cell.slug, **cell.axes}.items() >= asked.items()]


def names_cells(claim: Claim, cells: Sequence[Named]) -> bool:
    """Whether each of its selectors names a cell, or several."""
    return all(matching(selector, cells) for selector in claim.selectors)


def ambiguity(selector: Selector, cells: Sequence[Named]) -> str:
    """In words, why a selector does not name exactly one of the cells; empty when it does."""
    found = matching(selector, cells)
    if len(found) == 1:
        return ""
    if not found:
        return f"{described(selector)} names no cell; there are: {', '.join(cell.slug for cell in cells)}"
    slugs = ", ".join(cell.slug for cell in found)
    return f"{described(selector)} names {len(found)} cells, not one: {slugs}; add an axis in which they differ"


def described(selector: Selector) -> str:
    """A slug as it is, else `axis=value, ...`."""
    if set(selector) == {"slug"}:
        return str(selector["slug"])
    return ", ".join(f"{name}={value}" for name, value in selector.items())


def problem(claims: Sequence[Claim], cells: Sequence[Named], *, whole: bool) -> str:
    """The problems of a plan's claims, in words: names given twice, unknown axes, cells that they do not name.

    `whole`: the cells are all that the plan has. Where options changed them, a claim may be left without its cells.
    """
    seen = set[str]()
    for claim in claims:
        if claim.id in seen:
            return f"two claims have the id {claim.id!r}"
        seen.add(claim.id)
        for selector in claim.selectors:
            known = list(dict.fromkeys(["slug", *(axis for cell in cells for axis in cell.axes), *OF_SOME]))
            for name in selector:
                if name not in known:
                    there = ", ".join(known)
                    return f"claim {claim.id!r}: there is no axis {name!r}{nearest(name, known)}; there are: {there}"
            if whole and (why := ambiguity(selector, cells)):
                return f"claim {claim.id!r}: {why}"
    return ""
