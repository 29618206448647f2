"""Looks up a service in libpq's service file, through libpq itself: it is found and read as psql does it."""

import os
from collections.abc import Mapping

from psycopg import pq

from suite.errors import DatabaseError

_NO_USER = "none of the file"  # otherwise libpq would fill in the name of the account
_FILES = ("PGSERVICEFILE", "PGSYSCONFDIR", "HOME")


def lookup(service: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a service, by libpq's names. Empty without a service.

    Raises:
        DatabaseError: no file has this service.
    """
    if not service:
        return {}
    before = dict(os.environ)
    try:
        # libpq reads this process's environment: it may contain only this service and the place of its file.
        _set_environment(
            {name: value for name, value in before.items() if not name.startswith("PG")}
            | {name: environ[name] for name in _FILES if name in environ}
            | {"PGSERVICE": service, "PGUSER": _NO_USER}
        )
        options = pq.Conninfo.get_defaults()
    finally:
        _set_environment(before)
    found = {one.keyword.decode(): one.val.decode() for one in options if one.val and one.val != one.compiled}
    found = {
        name: value
        for name, value in found.items()
        if name not in {"service", "servicefile"} and (name, value) != ("user", _NO_USER)
    }
    if not found:
        raise DatabaseError(
            f"the service {service!r} is in no service file: check its name, and PGSERVICEFILE or ~/.pg_service.conf"
        )
    return found


def _set_environment(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
