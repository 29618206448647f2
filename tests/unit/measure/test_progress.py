"""What is said while something goes on."""

import io
import re

from rich.console import Console

from bench.measure.progress import Display, paced, shares


def test_lines_are_said_now_and_then() -> None:
    """The first, then none until the time is over; each with the share and the time so far."""
    times = iter([100.0, 101.0, 106.0, 107.0])
    said: list[str] = []
    told = paced(said.append, "loading", 5.0, lambda: next(times))
    for step, share in (("filling users", 0.0), ("filling users", 0.1), ("filling orders", 0.25), ("notes", 0.3)):
        told(step, share)
    assert said == ["loading: 0% after 0 s (filling users)", "loading: 25% after 6 s (filling orders)"]


def test_without_a_terminal_plain_lines_are_printed() -> None:
    """And nothing where nothing is told."""
    for steps, printed in ((["one", "two"], "loading [x]: 0% after 0 s (one)\n"), ([], "")):
        out = io.StringIO()
        with shares(Console(file=out, width=80), "loading [x]") as told:
            for step in steps:
                told(step, 0.0)
        assert out.getvalue() == printed


def test_on_a_terminal_there_is_a_bar() -> None:
    """With the step and the share."""
    out = io.StringIO()
    with shares(Console(file=out, width=80, force_terminal=True), "loading") as told:
        told("filling users", 0.42)
    assert "loading: filling users" in out.getvalue()
    assert "42%" in out.getvalue()


def test_a_long_step_leaves_room_for_the_share_and_the_time_left() -> None:
    """On 80 columns. A note stays above the bar, also on a terminal."""
    out = io.StringIO()
    with Display(Console(file=out, width=80, force_terminal=True, color_system=None), 100.0) as display:
        display.measuring("round 3 of 5: " + ", ".join(f"a_service_with_a_long_name_{number}" for number in range(4)))
        display.tick(42.0)
        display.note("measuring asyncpg_async again: the clock jumped")
        display._columns.refresh()
    lines = re.sub(r"\x1b\[[\d?;]*[A-Za-z]", "", out.getvalue()).replace("\r", "\n").splitlines()
    bars = [line for line in lines if "42%" in line]
    assert bars
    assert all("left" in line and "…" in line and len(line) <= 80 for line in bars)
    assert any(line.endswith("s] measuring asyncpg_async again: the clock jumped") for line in lines)
