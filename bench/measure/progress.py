"""What a person sees while a run goes on: a bar with the time left on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

LINE_EVERY_S = 5.0  # where there is no terminal
DRAW_EVERY_S = 0.2


@contextmanager
def shares(console: Console, doing: str) -> Iterator[Callable[[str, float], None]]:
    """For something that tells its steps and the share done: a bar on a terminal, elsewhere a line now and then.

    Nothing is shown of what tells nothing.
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
    """Say a step, the share done and the time so far: the first one told, and then one every so often."""
    began_s = said_s = -1.0

    def told(step: str, share: float) -> None:
        nonlocal began_s, said_s
        now_s = clock()
        if began_s < 0:
            began_s = now_s
        elif now_s - said_s < every_s:
            return
        said_s = now_s
        say(f"{doing}: {share:.0%} after {now_s - began_s:.0f} s ({step})")

    return told


class Display:
    """One line of progress. `expected_s` is how long all measuring takes; what is done so far corrects it."""

    def __init__(self, console: Console, expected_s: float) -> None:
        self._console = console
        self._live = console.is_terminal
        self._columns = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not self._live,
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
        """Say what is being done now."""
        self._columns.update(self._task, description=text)
        if not self._live:
            self._console.print(f"[{time.monotonic() - self._began:5.0f} s] {text}", highlight=False, markup=False)

    def say(self, text: Text) -> None:
        """Leave a line that stays, above the bar."""
        self._console.print(text, highlight=False)

    def show(self, text: str) -> None:
        """Print something that stays, above the progress."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def sharing(self, doing: str) -> Callable[[str, float], None]:
        """Say the steps of something that tells them together with the share done."""
        return paced(self.step, doing, DRAW_EVERY_S if self._live else LINE_EVERY_S)

    def measuring(self, text: str) -> None:
        """Say which cell is being measured now."""
        if self._measuring_since is None:
            self._measuring_since = time.monotonic()
        left = self._left()
        self.step(text if self._live or not left else f"{text}, {left}")

    def expect(self, expected_s: float) -> None:
        """All measuring will take so long."""
        self._expected_s = expected_s
        self._columns.update(self._task, total=max(expected_s, 1.0))

    def tick(self, cell_s: float) -> None:
        """The current cell has been going on for so many expected seconds."""
        self._columns.update(self._task, completed=min(self._done_s + cell_s, self._expected_s), left=self._left())

    def finished(self, cell_s: float) -> None:
        """The current cell, expected to take so long, is done."""
        self._done_s += cell_s
        self.tick(0.0)

    def _left(self) -> str:
        if not self._done_s or self._measuring_since is None:
            return _minutes(self._expected_s) + " left"
        pace = (time.monotonic() - self._measuring_since) / self._done_s
        return _minutes(max(0.0, self._expected_s - self._done_s) * min(max(pace, 0.5), 3.0)) + " left"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
