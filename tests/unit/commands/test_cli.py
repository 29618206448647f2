"""The command line's own words. What commands do is in tests/integration."""

import click
import pytest
from click.testing import CliRunner

from bench import cli


@pytest.mark.parametrize("words", [(name,) for name in cli.COMMANDS])
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    """--help says what a command does, with examples unless there is nothing to choose."""
    said = CliRunner().invoke(cli.bench, [*words, "--help"])
    assert said.exit_code == 0
    assert said.output.startswith("Usage:")
    assert "Example" in said.output or words == ("list",)


def test_help_has_a_summary_of_every_command() -> None:
    """None is too long for a line."""
    said = CliRunner().invoke(cli.bench, ["--help"]).output.splitlines()
    with click.Context(cli.bench) as context:
        for name in cli.bench.list_commands(context):
            assert any(line.startswith(f"  {name} ") and line.endswith(cli.COMMANDS[name].summary) for line in said)
