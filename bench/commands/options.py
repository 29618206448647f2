"""Options that several commands share."""

import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from bench.plan.note import Note
from suite import catalogue, trust
from suite.service import Service

POOLERS = ("none", "transaction")  # those of a plan, whose model takes long to load


class Names(click.ParamType[list[str]]):
    """Comma-separated names."""

    name = "name,..."

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> list[str]:
        """Split at commas."""
        return value if isinstance(value, list) else [name.strip() for name in value.split(",") if name.strip()]


class Integers(click.ParamType[list[int]]):
    """One integer, or several with commas between them."""

    name = "integer,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Split at commas; each part must be an integer."""
        if isinstance(value, list):
            return value
        try:
            return [int(part) for part in value.split(",")]
        except ValueError:
            self.fail(f"{value!r} is not an integer, or several separated by commas", param, ctx)


class Share(click.ParamType[float]):
    """A share, as `3%` or `0.03`."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Above 0 and below 1."""
        if isinstance(value, float):
            return value
        try:
            share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f"{value!r} is not a share; write 3% or 0.03", param, ctx)
        return share


SHARE = Share()


class TargetOption(click.ParamType[tuple[str, str]]):
    """A name and an address: NAME=URL."""

    name = "name=url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first equals sign. The plan checks both parts."""
        if isinstance(value, tuple):
            return value
        name, separator, url = value.partition("=")
        if not separator or "/" in name:
            self.fail(f"{value!r} is not a target; write NAME=URL, e.g. mine=http://127.0.0.1:9000", param, ctx)
        return name, url


def database_url(command: Callable[..., Any]) -> Callable[..., Any]:
    """--database-url."""
    return click.option(
        "--database-url",
        metavar="URL",
        help="Use this PostgreSQL (>= 14) instead of the private one. DATABASE_URL and PG* also work.",
    )(command)


def scale(command: Callable[..., Any]) -> Callable[..., Any]:
    """--scale."""
    return click.option(
        "--scale", type=float, default=0.01, show_default=True, help="Size of the dataset; 1 is a million users."
    )(command)


def services(command: Callable[..., Any]) -> Callable[..., Any]:
    """--services."""
    said = 'Services, separated by commas; or "all", which leaves out warning examples.'
    return click.option("--services", type=Names(), help=said)(command)


def chosen(console: Console, names: list[str] | None) -> list[Service]:
    """The services of --services. Without it, those whose libraries are installed, and a word on the others.

    A warning example is chosen by its name alone.
    """
    if names is not None and names != [catalogue.ALL]:
        return [catalogue.service(name) for name in dict.fromkeys(names)]
    every = list(catalogue.usual().values())
    absent = {one.name: lost for one in every if (lost := catalogue.missing(one.libraries))}
    if names is None and absent:
        how = catalogue.how_to_install(next(iter(absent.values()))[0])
        said = f"left out, because their libraries are not installed ({how}): {', '.join(absent)}"
        console.print(said, style="yellow", highlight=False)
        return [one for one in every if one.name not in absent]
    return every


def pooler(command: Callable[..., Any]) -> Callable[..., Any]:
    """--pooler of a command that has one setup of each service."""
    return click.option(
        "--pooler",
        type=click.Choice(POOLERS),
        default=POOLERS[0],
        show_default=True,
        help="transaction: services have the settings for a pooler in transaction mode.",
    )(command)


def all_pairs(command: Callable[..., Any]) -> Callable[..., Any]:
    """--all-pairs."""
    return click.option(
        "--all-pairs", is_flag=True, help="Print the ratios of all pairs, also where the plan has a baseline."
    )(command)


def target(command: Callable[..., Any]) -> Callable[..., Any]:
    """--target."""
    return click.option(
        "--target",
        type=TargetOption(),
        multiple=True,
        metavar="NAME=URL",
        help="A running application of yours; repeatable.",
    )(command)


def ca_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """--ca-file."""
    return click.option(
        trust.OPTION,
        envvar=trust.VARIABLE,
        metavar="FILE",
        help="Certificates (PEM) to trust beside the system's, for a target with https.",
    )(command)


def given_beside(context: click.Context, allowed: Collection[str]) -> list[str]:
    """The options on the command line, as they are written, but for those of these parameters."""
    return [
        one.opts[0]
        for one in context.command.params
        if one.name is not None
        and one.name not in allowed
        and context.get_parameter_source(one.name) == ParameterSource.COMMANDLINE
    ]


def say(console: Console, notes: Iterable[Note | str]) -> None:
    """Print notes, in yellow."""
    for note in notes:
        console.print(str(note), style="yellow", highlight=False)


def console() -> Console:
    """Where commands print: the terminal's width, or enough for every table where there is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 120)
