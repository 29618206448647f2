"""Parity for the terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.parity import LIBRARY, NOT_ASKED, VERSION, ParityRow

NONE = "parity: the services differ in nothing that was looked at and the plan did not ask for"


def lines(found: Sequence[ParityRow]) -> list[Text]:
    """Every difference in a line: one that no service.toml explains is yellow."""
    differing = [row for row in found if row.whose]
    if not differing:
        return [Text(NONE, style="dim")] if found else []
    made = []
    for fact, group in groupby(differing, key=lambda row: row.fact):
        mine = list(group)
        whose = NOT_ASKED if any(row.whose == NOT_ASKED for row in mine) else LIBRARY
        values = dict.fromkeys(row.value for row in mine)
        parts = [f"{value} with {', '.join(_labels(found, mine, value))}" for value in values]
        asked = "; the plan says " + ", ".join(dict.fromkeys(row.asked for row in mine)) if mine[0].asked else ""
        text = f"parity, {whose}: {fact} is {'; '.join(parts)}{asked}"
        made.append(Text(text, style="yellow" if whose == NOT_ASKED else "dim"))
    return made


def _labels(found: Sequence[ParityRow], differing: Sequence[ParityRow], value: str) -> Iterator[str]:
    """The services that have this value, with their profiles where not all of them do."""
    profiles: dict[str, list[str]] = {}
    for row in differing:
        if row.value == value:
            profiles.setdefault(row.service, []).append(row.profile)
    for service, these in profiles.items():
        every = {row.profile for row in found if row.service == service}
        yield service if set(these) == every else f"{service} ({', '.join(these)})"


def table(found: Sequence[ParityRow]) -> RenderableType:
    """A row a setup with the facts that vary, and below it, in a sentence, those that are the same for all."""
    seen: dict[str, set[str]] = {}
    for row in found:
        seen.setdefault(row.fact, set()).add(row.value)
    varying = [fact for fact, values in seen.items() if len(values) > 1 and fact != "profile"]
    made = Table("as observed", *varying)
    for (service, profile), mine in groupby(sorted(found, key=_setup), key=_setup):
        values = {row.fact: row.value for row in mine}
        if any(fact in values for fact in varying):
            made.add_row(f"{service} ({profile})", *(Text(values.get(fact, "")) for fact in varying))
    same = [f"{fact.removeprefix(VERSION)} {next(iter(values))}" for fact, values in seen.items() if len(values) == 1]
    return Group(made, Text(f"the same wherever there is one: {', '.join(same)}"))


def _setup(row: ParityRow) -> tuple[str, str]:
    return row.service, row.profile
