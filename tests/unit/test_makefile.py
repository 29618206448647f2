"""The commands that make would run, word by word as the shell would."""

import os
import shlex
import subprocess

import pytest

from suite import catalogue

HOSTILE = """it's  "my" run; $(false) `false` $x %y ^z #1 \\ & *"""


def words(*arguments: str, **environment: str) -> list[str]:
    """Of the one `bench` command of a target. The setup counts as done."""
    command = ["make", "--no-print-directory", "-n", "-o", ".venv/.setup-stamp", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    printed = subprocess.run(
        command, cwd=catalogue.CHECKOUT, env=clean | environment, check=True, capture_output=True, text=True
    ).stdout
    program, *rest = shlex.split(printed[printed.index(".venv/bin/bench ") :].replace("\\\n", " "), comments=True)
    assert program == ".venv/bin/bench"
    return rest


@pytest.mark.parametrize("value", ["smoke", "my plans/x.toml", HOSTILE, "-", "a,b"])
def test_a_value_is_one_word(value: str) -> None:
    """From the command line of make, and from the environment; a value that is not there is no word."""
    assert words("compare", f"OLD={value}", "NEW=b") == ["compare", value, "b"]
    assert words("compare", "OLD=a", f"NEW={value}") == ["compare", "a", value]
    assert words("report", f"RUN={value}") == ["report", value]
    assert words("up", f"SERVICES={value}") == ["up", "--services", value]
    assert words("ui", f"SERVICES={value}", f"SCENARIO={value}") == ["ui", "--scenario", value, "--services", value]
    options = ("plan", "services", "scenarios", "users", "rounds", "measure", "scale", "name", "target")
    given = {name.upper(): value for name in options}
    expected = ["run", *(word for name in options for word in (f"--{name}", value))]
    assert words("bench", *(f"{name}={value}" for name, value in given.items())) == expected
    assert words("bench", **given) == expected


def test_nothing_is_added_where_nothing_is_given() -> None:
    """The defaults are those of bench."""
    assert words("compare") == ["compare"]
    assert words("bench") == ["run"]
    assert words("ui") == ["ui"]


def test_the_shell_finds_the_home_folder() -> None:
    """It does so for a word that begins with ~/, and not for one between quotes."""
    command = ["make", "-n", "-o", ".venv/.setup-stamp", "ui", "SCENARIO=~/my tests/mine.py"]
    printed = subprocess.run(command, cwd=catalogue.CHECKOUT, check=True, capture_output=True, text=True).stdout
    assert ".venv/bin/bench ui --scenario ~/'my tests/mine.py'" in printed
