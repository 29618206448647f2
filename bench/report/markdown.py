"""A comparison of two runs as Markdown, for a pull request."""

import re

from bench.compare.documents import Document
from bench.store.csv_reading import plain

LEFT = 2  # the first columns are text, the others figures but for the last
# What Markdown or GitHub would act upon: emphasis inside a word is none.
MARKDOWN_SPECIAL = re.compile(r"[\\`*\[\]|~!#<>&@]|(?<![^\W_])_|_(?![^\W_])|(?<=:)/(?=/)|(?<=www)\.")


def markdown(document: Document) -> str:
    """For a pull request."""
    lines = [f"### {_markdown(document.old)} → {_markdown(document.new)}", ""]
    for mark in document.marks:
        lines += [f"> **{_markdown(mark)}**", ""]
    for line in document.unranked:
        lines += [f"> **{_markdown(line)}**", ""]
    lines += [_markdown(document.together), ""] if document.together else []
    lines += [f"**{_markdown(document.headline)}**", ""] if document.headline else []
    lines += [f"- {_markdown(text)}" for row in document.changed for text in row.cells]
    lines += [""] if document.changed else []
    lines.append(_markdown_row(document.headings))
    columns = range(len(document.headings))
    lines.append("|" + "|".join(" ---: " if holds_figures(document, number) else " --- " for number in columns) + "|")
    lines += [_markdown_row(row.cells) for row in document.rows]
    for heading, listed in document.sections.items():
        lines += ["", f"**{heading}**", "", *(f"- {_markdown(line)}" for line in listed)]
    for note in document.notes:
        lines += ["", _markdown(note)]
    return "\n".join(lines) + "\n"


def holds_figures(document: Document, number: int) -> bool:
    """Whether a column holds numbers."""
    return number >= LEFT and document.headings[number] != "conclusion"


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_markdown(text) for text in cells) + " |"


def _markdown(text: str) -> str:
    """As entities, which neither Markdown nor GitHub gives a meaning."""
    return MARKDOWN_SPECIAL.sub(lambda found: f"&#{ord(found[0])};", plain(text))
