"""What options of several commands mean."""

from rich.console import Console

from bench.commands import options
from suite import catalogue


def test_a_warning_example_is_chosen_by_its_name_alone() -> None:
    """Neither `--services all` nor a command without --services has it; here, every library is installed."""
    console = Console(quiet=True)
    for given in (None, [catalogue.ALL]):
        assert [one.name for one in options.chosen(console, given)] == list(catalogue.usual())
    assert [one.name for one in options.chosen(console, ["psycopg2_blocking"])] == ["psycopg2_blocking"]
