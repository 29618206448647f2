"""The tables of docs/databases.md, from what the tests try. `python -m tests.databases` writes them."""

import re
from collections.abc import Iterator

from db.address import libraries, parameters
from suite import catalogue

PAGE = catalogue.CHECKOUT / "docs" / "databases.md"


def settings() -> Iterator[str]:
    """A row for each setting of libpq (tests/contract/test_addresses.py tries them)."""
    every = (libraries.PSYCOPG2, libraries.PSYCOPG, libraries.ASYNCPG)
    services = {
        library: [name for name, one in catalogue.services().items() if libraries.library_of(one.libraries) == library]
        for library in every
    }
    yield "| setting | variable | " + " | ".join(f"{one}: {', '.join(services[one])}" for one in every) + " |"
    yield "| --- | --- |" + " --- |" * len(every)
    for name in sorted(parameters.names()):
        variable = parameters.variables().get(name, "")
        shown = f"`{variable}`" if variable and variable not in parameters.NOT_PASSED_ON else ""
        yield f"| `{name}` | {shown} | " + " | ".join(libraries.described(one, name) for one in every) + " |"


TABLES = {"settings": settings}


def filled(text: str) -> str:
    """The page with each table as it must be, between its two comments."""
    for name, lines in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        assert begin in text, name
        table = "\n".join(lines())
        text = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)  # noqa: B023  # called at once
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
