"""Parity: the facts in which running services differ, and whether the plan asked for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby

from bench.plan.matrix import NO_POOLER, Setup
from bench.plan.note import Kind, Note
from suite.catalogue import marked
from suite.service import Own, Service

LIBRARY, NOT_ASKED = "library", "not asked for"
VERSION = "version of "


@dataclass(frozen=True)
class ParityFacts:
    """One running setup. None: not known, or nothing that this service has.

    `connections` are those of all workers together when these had started. `pool_policy`, `protocol` and `transaction`
    are of a point read, `threads` of a worker whose endpoints use them; `versions` are by library.
    """

    profile: str | None = None
    server: str | None = None
    workers: int | None = None
    event_loop: str | None = None
    http_parser: str | None = None
    threads: int | None = None
    gc: str | None = None
    pooler: str | None = None
    pool_size: int | None = None
    pool_overflow: int | None = None
    pool_timeout_s: float | None = None
    connections: int | None = None
    pool_policy: str | None = None
    protocol: str | None = None
    transaction: str | None = None
    isolation: str | None = None
    session: str | None = None
    encryption: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)


FACTS = tuple(one.name for one in fields(ParityFacts) if one.name != "versions")
# A setup has what its plan sets under the same name. A fact that profiles are about is compared within each profile.
ASKED = tuple(name for name in FACTS if name in Setup.__dataclass_fields__)
OF_A_PROFILE = frozenset({"transaction"})
OF_A_POOLER = frozenset({"protocol", "session"})


@dataclass(frozen=True)
class ParityRow:
    """A row of parity.csv: a fact of a setup. `whose` is empty where nothing differs, `asked` where no plan asks."""

    fact: str
    service: str
    profile: str
    value: str
    asked: str
    whose: str
    why: str


COLUMNS = tuple(one.name for one in fields(ParityRow))


def rows(facts: Mapping[Setup, ParityFacts]) -> tuple[ParityRow, ...]:
    """Every fact that is known, of every setup, and the cause of each difference.

    A fact that the plan asks for is held against the plan, any other against the other setups. What differs is the
    library's own where the service.toml declares this very value (`{setup.NAME}` in it is a figure of the setup).
    """
    found: list[ParityRow] = []
    for fact in (*FACTS, *_shared(facts)):
        values = {setup: value for setup, one in facts.items() if (value := _value(one, fact))}
        for setup, value in values.items():
            asked = _asked(fact, setup)
            own = _own(setup.described, setup, fact)
            differs = value != asked if asked else len(set(_peers(fact, setup, values))) > 1
            owned = own if differs and own is not None and own.value.format(setup=setup) == value else None
            whose = "" if not differs else LIBRARY if owned else NOT_ASKED
            why = owned.why if owned else ""
            found.append(ParityRow(fact, setup.service, setup.runs_as, value, asked, whose, why))
    return tuple(found)


def _own(service: Service, setup: Setup, fact: str) -> Own | None:
    behind = service.behind_pooler.own if setup.pooler != NO_POOLER else {}
    return behind.get(fact) or service.own.get(f"{setup.profile}_{fact}") or service.own.get(fact)


def notes(found: Sequence[ParityRow]) -> list[Note]:
    """A note for each fact in which services differ; `which` is LIBRARY or NOT_ASKED."""
    differing = [row for row in found if row.whose]
    made = []
    for fact, group in groupby(differing, key=lambda row: row.fact):
        mine = list(group)
        whose = NOT_ASKED if any(row.whose == NOT_ASKED for row in mine) else LIBRARY
        values = dict.fromkeys(row.value for row in mine)
        parts = [f"{value} with {', '.join(_labels(found, mine, value))}" for value in values]
        asked = "; the plan says " + ", ".join(dict.fromkeys(row.asked for row in mine)) if mine[0].asked else ""
        made.append(Note("", Kind.PARITY, f"{fact} is {'; '.join(parts)}{asked}", whose))
    return made


def _labels(found: Sequence[ParityRow], differing: Sequence[ParityRow], value: str) -> Iterator[str]:
    """The services that have this value, with their profiles where not all of them do."""
    profiles: dict[str, list[str]] = {}
    for row in differing:
        if row.value == value:
            profiles.setdefault(row.service, []).append(row.profile)
    for service, these in profiles.items():
        every = {row.profile for row in found if row.service == service}
        yield marked(service) if set(these) == every else f"{marked(service)} ({', '.join(these)})"


def _peers(fact: str, setup: Setup, values: Mapping[Setup, str]) -> list[str]:
    """The values that must be one: of all setups, or of those that have in common what the fact depends on."""
    return [
        value
        for one, value in values.items()
        if (fact not in OF_A_PROFILE or one.profile == setup.profile)
        and (fact not in OF_A_POOLER or one.pooler == setup.pooler)
    ]


def _shared(facts: Mapping[Setup, ParityFacts]) -> list[str]:
    """Versions of what more than one service has."""
    users: dict[str, set[str]] = {}
    for setup, one in facts.items():
        for library in one.versions:
            users.setdefault(library, set()).add(setup.service)
    return [f"{VERSION}{library}" for library, names in users.items() if len(names) > 1]


def _value(facts: ParityFacts, fact: str) -> str:
    if fact.startswith(VERSION):
        return facts.versions.get(fact.removeprefix(VERSION), "")
    return _text(getattr(facts, fact))


def _asked(fact: str, setup: Setup) -> str:
    if fact == "connections":
        return _text(setup.opened_at_start)
    if fact == "event_loop":
        return setup.loop
    return _text(getattr(setup, fact)) if fact in ASKED else ""


def _text(value: str | float | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:g}"
