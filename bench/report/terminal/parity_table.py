"""Parity for the terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis import parity
from bench.analysis.parity import NOT_ASKED, VERSION, ParityRow
from suite.catalogue import marked

NONE = "parity: every checked fact is the same for all services, or as the plan sets it"


def lines(found: Sequence[ParityRow]) -> list[Text]:
    """Every difference in a line: one that no service.toml explains is yellow."""
    if found and not any(row.whose for row in found):
        return [Text(NONE, style="dim")]
    return [
        Text(f"parity, {note.which}: {note}", style="yellow" if note.which == NOT_ASKED else "dim")
        for note in parity.notes(found)
    ]


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
            made.add_row(f"{marked(service)} ({profile})", *(Text(values.get(fact, "")) for fact in varying))
    same = [f"{fact.removeprefix(VERSION)} {next(iter(values))}" for fact, values in seen.items() if len(values) == 1]
    return Group(made, Text(f"the same wherever there is one: {', '.join(same)}"))


def _setup(row: ParityRow) -> tuple[str, str]:
    return row.service, row.profile
