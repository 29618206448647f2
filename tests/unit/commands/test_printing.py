"""Commands in processes of their own, on terminals that cannot show every character."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from suite import catalogue
from tests.unit.commands.test_compare_command import stored

NAME = "/zoë→\N{GRINNING FACE}"
STATS = f"Type,Name,Request Count,Failure Count,Requests/s,99%\nGET,{NAME},100,0,50.0,20\n"
PLAN = """
title = "Zoë → \N{GRINNING FACE}"
[matrix]
scenarios = ["point_read"]
services = ["asyncpg_async"]
"""
ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
SHOWN = {"ascii": "/zo?->?", "latin-1": "/zoë->?", "utf-8": NAME, "C": "/zo?->?"}


# All commands in one process: to start one takes seconds.
EACH = """
import sys
from bench import cli
for arguments in sys.argv[1].split(chr(31)):
    sys.argv[1:] = arguments.split(chr(30))
    try:
        cli.main()
    except SystemExit as ended:
        print("exit code:", ended.code, flush=True)
"""


def bench(encoding: str, *commands: tuple[str | Path, ...]) -> tuple[list[str], str]:
    """What each command printed, with its exit code, and standard error; both must be of the encoding."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"}
    words = "\x1f".join("\x1e".join(map(str, command)) for command in commands)
    done = subprocess.run(
        [sys.executable, "-c", EACH, words],
        cwd=catalogue.CHECKOUT,
        env=variables | ENCODINGS[encoding],
        capture_output=True,
        check=True,
    )
    name = "ascii" if encoding == "C" else encoding
    return re.split(r"(?<=exit code: \d\n)", done.stdout.decode(name))[:-1], done.stderr.decode(name)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_terminal_cannot_show_is_replaced(tmp_path: Path, encoding: str) -> None:
    """In a table, as Markdown, as CSV, of a plan, of two runs, and in a complaint that names a file."""
    path, plan = tmp_path / "a_stats.csv", tmp_path / "mine.toml"
    path.write_text(STATS, encoding="utf-8")
    plan.write_text(PLAN, encoding="utf-8")
    runs = stored(tmp_path / "old", 400, 410), stored(tmp_path / "new", 400, 405)
    printed, complaints = bench(
        encoding,
        ("compare", path, path),
        ("compare", path, path, "--format", "markdown"),
        ("compare", path, path, "--format", "csv"),
        ("run", "--plan", plan, "--dry-run"),
        ("compare", *runs, "--format", "markdown"),
        ("compare", path, "/zo\N{RIGHTWARDS ARROW}_stats.csv"),
    )
    assert [text[-2] for text in printed] == ["0"] * 5 + ["1"]
    for text in printed[:3]:
        assert f"GET {SHOWN[encoding]}" in text
    assert f"Z{SHOWN[encoding].removeprefix('/z')}" in printed[3].replace(" ", "")
    assert f"### old {'→' if encoding == 'utf-8' else '->'} new" in printed[4]
    # Where Python takes paths for ASCII, the arrow is three bytes.
    arrow = {"utf-8": "→", "C": "???"}.get(encoding, "->")
    assert complaints == f"error: cannot read /zo{arrow}_stats.csv: No such file or directory\n"
