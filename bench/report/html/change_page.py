"""A comparison of two runs as a page."""

import base64
import hashlib
from html import escape

from bench.compare.documents import Document, Row
from bench.report.markdown import holds_figures
from bench.store.csv_reading import plain

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


def _html_row(document: Document, row: Row) -> str:
    cells = "".join(_cell("td", document, number, text) for number, text in enumerate(row.cells))
    return f'<tr class="{row.tone}">{cells}</tr>' if row.tone else f"<tr>{cells}</tr>"


def _cell(tag: str, document: Document, number: int, text: str) -> str:
    kind = ' class="number"' if holds_figures(document, number) else ""
    return f"<{tag}{kind}>{_html(text)}</{tag}>"


def _html(text: str) -> str:
    return escape(plain(text))
