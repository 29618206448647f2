"""The progress of a run: on a terminal a bar with the time left, elsewhere plain lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

LINE_EVERY_S = 5.0  # where there is no terminal
DRAW_EVERY_S = 0.2
BAR_WIDTH = 16


@contextmanager
def shares(console: Console, doing: str) -> Iterator[Callable[[str, float], None]]:
    """Gives a function that shows a step and the share done: a bar on a terminal, elsewhere a line now and then.

    Elsewhere, nothing is printed until the function is called.
    """
    if not console.is_terminal:
        yield paced(lambda text: console.print(text, highlight=False, markup=False), doing)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as drawn:
        task = drawn.add_task(doing, total=1.0)
        yield lambda step, share: drawn.update(task, description=f"{doing}: {step}", completed=share)


def paced(
    say: Callable[[str], None],
    doing: str,
    every_s: float = LINE_EVERY_S,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[str, float], None]:
    """Returns a function that prints a step, the share done and the time: at the first call, then once in `every_s`."""
    began_s = printed_s = -1.0

    def report(step: str, share: float) -> None:
        nonlocal began_s, printed_s
        now_s = clock()
        if began_s < 0:
            began_s = now_s
        elif now_s - printed_s < every_s:
            return
        printed_s = now_s
        say(f"{doing}: {share:.0%} after {now_s - began_s:.0f} s ({step})")

    return report


class Display:
    """One line of progress. `expected_s` is the expected duration; the pace so far corrects the time left."""

    def __init__(self, console: Console, expected_s: float) -> None:
        self._console = console
        self._live = console.is_terminal
        self._columns = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[left]}", table_column=Column(no_wrap=True)),
            console=console,
            disable=not self._live,
            expand=True,  # the text of the step has what the others leave, and is cut off
        )
        self._task = self._columns.add_task("starting", total=max(expected_s, 1.0), left="")
        self._expected_s = expected_s
        self._done_s = 0.0
        self._began = time.monotonic()
        self._measuring_since: float | None = None

    def __enter__(self) -> "Display":
        self._columns.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._columns.stop()

    def step(self, text: str) -> None:
        """Show the current step."""
        self._columns.update(self._task, description=text)
        if not self._live:
            self.note(text)

    def note(self, text: str) -> None:
        """Print a line that stays, with the time: what was decided while measuring."""
        line = f"[{time.monotonic() - self._began:5.0f} s] {text}"
        self._console.print(line, highlight=False, markup=False)

    def say(self, text: Text) -> None:
        """Print a line that stays, above the bar."""
        self._console.print(text, highlight=False)

    def show(self, text: str) -> None:
        """Print text that stays, above the bar."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def sharing(self, doing: str) -> Callable[[str, float], None]:
        """Returns a function that shows a step and the share done, for example of loading the dataset."""
        return paced(self.step, doing, DRAW_EVERY_S if self._live else LINE_EVERY_S)

    def measuring(self, text: str) -> None:
        """Show which cell is being measured."""
        if self._measuring_since is None:
            self._measuring_since = time.monotonic()
        left = self._left()
        self.step(text if self._live or not left else f"{text}, {left}")

    def expect(self, expected_s: float) -> None:
        """Set how long all measuring is expected to take."""
        self._expected_s = expected_s
        self._columns.update(self._task, total=max(expected_s, 1.0))

    def tick(self, cell_s: float) -> None:
        """Show that the current cell has run for `cell_s` seconds."""
        self._columns.update(self._task, completed=min(self._done_s + cell_s, self._expected_s), left=self._left())

    def finished(self, cell_s: float) -> None:
        """Count the current cell, whose expected duration is `cell_s`, as done."""
        self._done_s += cell_s
        self.tick(0.0)

    def _left(self) -> str:
        if not self._done_s or self._measuring_since is None:
            return _minutes(self._expected_s) + " left"
        pace = (time.monotonic() - self._measuring_since) / self._done_s
        return _minutes(max(0.0, self._expected_s - self._done_s) * min(max(pace, 0.5), 3.0)) + " left"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
