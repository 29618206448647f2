"""What a terminal shows, line by line."""

from rich.console import Console, RenderableType


def lines(shown: RenderableType, width: int = 120) -> list[str]:
    """Without the spaces at the ends of lines."""
    console = Console(width=width, force_terminal=False)
    with console.capture() as printed:
        console.print(shown)
    return [line.rstrip() for line in printed.get().splitlines()]
