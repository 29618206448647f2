"""How the libraries of this process were built: what their version numbers do not say."""

import sys
from types import ModuleType
from typing import Any


def of_process() -> dict[str, str]:
    """psycopg's implementation, SQLAlchemy's compiled extensions, libpq and OpenSSL: of what has been imported."""
    found = dict[str, str]()
    if psycopg := _imported("psycopg"):
        found |= {"psycopg": psycopg.pq.__impl__, "libpq": _libpq(psycopg.pq.version())}
    if psycopg2 := _imported("psycopg2"):
        found["libpq"] = _libpq(psycopg2.__libpq_version__)
    if sqlalchemy := _imported("sqlalchemy"):
        found["sqlalchemy"] = "compiled" if sqlalchemy.util.has_compiled_ext() else "python"
    if ssl := _imported("ssl"):  # libpq brings its own
        found["openssl"] = ssl.OPENSSL_VERSION
    return found


def _imported(name: str) -> Any:
    module: ModuleType | None = sys.modules.get(name)
    return module


def _libpq(number: int) -> str:
    """180006 -> 18.6 (PQlibVersion of libpq)."""
    return f"{number // 10000}.{number % 10000}"
