"""Looks up a password in libpq's password file, through libpq itself: it is found and read as psql does it."""

import os
from collections.abc import Mapping

from psycopg import pq
from psycopg.conninfo import make_conninfo

NO_ADDRESS = "none"  # libpq refuses this address after it has read the file, before it connects


def lookup(host: str, port: int, dbname: str, user: str, environ: Mapping[str, str]) -> str:
    """The password of the first matching line of PGPASSFILE or ~/.pgpass. Empty if there is none.

    libpq ignores a file that others may read, and prints that on standard error.
    """
    home = environ.get("HOME")
    name = environ.get("PGPASSFILE") or (home and f"{home}/.pgpass")
    if not name:
        return ""
    conninfo = make_conninfo(host=host, hostaddr=NO_ADDRESS, port=port, dbname=dbname, user=user, passfile=name)
    connection = pq.PGconn.connect_start(os.fsencode(conninfo))
    try:
        return (connection.password or b"").decode()
    except UnicodeDecodeError:  # no driver accepts it
        return ""
    finally:
        connection.finish()
