"""A comparison as a table in a terminal, as Markdown for a pull request, and as a page for a browser. Pure."""

import base64
import hashlib
import re
from html import escape

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.change_document import BAD, DIM, GOOD, Document, Row
from bench.csv_reading import plain

STYLES = {GOOD: "green", BAD: "red", DIM: "dim", "": ""}
LEFT = 2  # the first columns are text, the others figures but for the last
CSS = """
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; }
td.number, th.number { text-align: right; white-space: nowrap; }
.good td:last-child { color: var(--good); } .bad td:last-child { color: var(--bad); } .dim { opacity: .75; }
.mark { border-left: .3rem solid var(--bad); margin: .3rem 0; padding-left: .7rem; }
"""
# No script, nothing from elsewhere, and no style but the one above.
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src "
    f"'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
)
# What Markdown or GitHub would act upon: emphasis inside a word is none.
MARKDOWN_SPECIAL = re.compile(r"[\\`*\[\]|~!#<>&@]|(?<![^\W_])_|_(?![^\W_])|(?<=:)/(?=/)|(?<=www)\.")


def terminal(document: Document) -> RenderableType:
    """For rich; text from outside is no markup."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(document.headings):
        is_figure = _is_figure(document, number)
        table.add_column(heading, justify="right" if is_figure else "left", no_wrap=is_figure, overflow="fold")
    last = ""
    for row in document.rows:
        first = "" if row.cells[0] == last else row.cells[0]
        table.add_row(*(Text(plain(text)) for text in (first, *row.cells[1:])), style=STYLES[row.tone])
        last = row.cells[0]
    parts: list[RenderableType] = [Text(plain(f"old: {document.old}   new: {document.new}"), style="bold")]
    parts += [Text(plain(mark), style="bold red") for mark in document.marks]
    parts.append(table)
    for heading, lines in document.sections.items():
        parts.append(Text(heading, style="bold"))
        parts += [Text(plain(f"  {line}")) for line in lines]
    return Group(*parts, *(Text(plain(note), style="dim") for note in document.notes))


def markdown(document: Document) -> str:
    """For a pull request."""
    lines = [f"### {_markdown(document.old)} → {_markdown(document.new)}", ""]
    for mark in document.marks:
        lines += [f"> **{_markdown(mark)}**", ""]
    lines.append(_markdown_row(document.headings))
    columns = range(len(document.headings))
    lines.append("|" + "|".join(" ---: " if _is_figure(document, number) else " --- " for number in columns) + "|")
    lines += [_markdown_row(row.cells) for row in document.rows]
    for heading, listed in document.sections.items():
        lines += ["", f"**{heading}**", "", *(f"- {_markdown(line)}" for line in listed)]
    for note in document.notes:
        lines += ["", _markdown(note)]
    return "\n".join(lines) + "\n"


def page(document: Document) -> str:
    """One HTML file that needs nothing else, dark or light as the reader has it, without scripts."""
    title = f"{document.old} \N{RIGHTWARDS ARROW} {document.new}"
    heads = "".join(_cell("th", document, number, text) for number, text in enumerate(document.headings))
    rows = "\n".join(_html_row(document, row) for row in document.rows)
    parts = [f"<h1>{_html(title)}</h1>", *(f'<p class="mark">{_html(mark)}</p>' for mark in document.marks)]
    parts.append(f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>')
    for heading, lines in document.sections.items():
        listed = "".join(f"<li>{_html(line)}</li>" for line in lines)
        parts.append(f"<h2>{_html(heading)}</h2><ul>{listed}</ul>")
    parts += [f"<p>{_html(note)}</p>" for note in document.notes]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{_html(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _is_figure(document: Document, number: int) -> bool:
    return number >= LEFT and document.headings[number] != "conclusion"


def _html_row(document: Document, row: Row) -> str:
    cells = "".join(_cell("td", document, number, text) for number, text in enumerate(row.cells))
    return f'<tr class="{row.tone}">{cells}</tr>' if row.tone else f"<tr>{cells}</tr>"


def _cell(tag: str, document: Document, number: int, text: str) -> str:
    kind = ' class="number"' if _is_figure(document, number) else ""
    return f"<{tag}{kind}>{_html(text)}</{tag}>"


def _html(text: str) -> str:
    return escape(plain(text))


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_markdown(text) for text in cells) + " |"


def _markdown(text: str) -> str:
    """As entities, which neither Markdown nor GitHub gives a meaning."""
    return MARKDOWN_SPECIAL.sub(lambda found: f"&#{ord(found[0])};", plain(text))
