"""`bench new`: a service or a scenario to begin with."""

import click

from bench.commands import copying, options
from suite import catalogue

EPILOG = """
\b
Examples:
  bench new service ormar_async --library ormar          a copy of the service whose name is nearest
  bench new service pony_sync --like sqlalchemy_sync
  bench new scenario newest_users --like list_page
"""


@click.group(epilog=EPILOG)
def new() -> None:
    """Make a service or a scenario: a copy of the nearest existing one, which works at once."""


@new.command(epilog=EPILOG)
@click.argument("name")
@click.option("--like", metavar="SERVICE", help="The service to copy; by default the one whose name is nearest.")
@click.option("--title", help="What tables and pages call it; by default made of NAME.")
@click.option("--library", "libraries", multiple=True, metavar="PACKAGE", help="A library that it uses. Repeatable.")
def service(name: str, like: str | None, title: str | None, libraries: tuple[str, ...]) -> None:
    """Make services/NAME. NAME is the library and its mode: ormar_async, pony_sync."""
    made = copying.service(name, like, title, libraries)
    written = copying.write_service(made)
    console = options.console()

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(f"services/{name}, a copy of services/{made.like.name} on port {made.port}:")
    for path in written:
        say(f"  {path.relative_to(catalogue.CHECKOUT)}")
    for library in catalogue.missing(made.libraries):
        say(f"{library} is not installed: {catalogue.how_to_install(library)}")
    say(f"It works as it is: bench verify --services {name}")
    say(
        "Now write database.py, app.py and studies.py as the library's own documentation does, and say in service.toml"
        " what the library adds to an operation. docs/adding-a-service.md explains each step."
    )


@new.command(epilog=EPILOG)
@click.argument("name")
@click.option("--like", metavar="SCENARIO", help="The scenario to copy; by default the one whose name is nearest.")
def scenario(name: str, like: str | None) -> None:
    """Make locustfiles/NAME.py."""
    found, path = copying.scenario(name, like)
    copying.write_scenario(found, path)
    console = options.console()
    console.print(f"locustfiles/{name}.py, a copy of locustfiles/{found.name}.py", highlight=False, soft_wrap=True)
    console.print(
        f"It works as it is: bench run --plan smoke --scenarios {name}\nIts first line says what a user does,"
        ' OPERATIONS which operations it calls: docs/adding-a-service.md, "Adding a scenario".',
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
