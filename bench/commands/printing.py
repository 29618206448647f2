"""Text on standard output and standard error, whatever characters the terminal can show."""

import codecs
import sys
from typing import TextIO

REPLACED = "bench.replaced"
# Of what we print ourselves. Rich draws lines in ASCII where it must.
SAME = {"→": "->", "±": "+-", "…": "...", "·": "-", "\N{EN DASH}": "-", "\N{MULTIPLICATION SIGN}": "x"}


def survive_any_encoding() -> None:
    """From now on, what a terminal or a file cannot show is replaced, in ASCII, instead of ending the command.

    A name from outside may have such a character in any command, and so may the path of a file.
    """
    codecs.register_error(REPLACED, _replaced)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream that was closed is None
        if reconfigure is not None:
            reconfigure(errors=REPLACED)


def write(text: str, *, is_error: bool = False) -> None:
    """As it is. (click.echo would write UTF-8 where the encoding is ASCII.)"""
    stream: TextIO | None = sys.stderr if is_error else sys.stdout
    if stream is not None:
        stream.write(text)
        stream.flush()


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(SAME.get(letter, "?") for letter in unknown), error.end
