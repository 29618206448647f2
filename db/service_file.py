"""What libpq's service file says of a service: asked of libpq itself, so that it is found and read as psql does."""

import os
from collections.abc import Mapping

from psycopg import pq

from suite.errors import DatabaseError

_FILES = ("PGSERVICEFILE", "PGSYSCONFDIR", "HOME")


def lookup(service: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a service, by libpq's names; none for no service.

    Raises:
        DatabaseError: no file has this service.
    """
    if not service:
        return {}
    before = dict(os.environ)
    try:
        # libpq reads its own process's environment: only this service, and where its file is, may be in it.
        _become(
            {name: value for name, value in before.items() if not name.startswith("PG")}
            | {name: environ[name] for name in _FILES if name in environ}
            | {"PGSERVICE": service}
        )
        options = pq.Conninfo.get_defaults()
    finally:
        _become(before)
    found = {one.keyword.decode(): one.val.decode() for one in options if one.val and one.val != one.compiled}
    found = {name: value for name, value in found.items() if name not in {"service", "servicefile"}}
    if not found:
        raise DatabaseError(
            f"the service {service!r} is in no service file: check its name, and PGSERVICEFILE or ~/.pg_service.conf"
        )
    return found


def _become(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
