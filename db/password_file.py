"""What libpq's password file says: asked of libpq itself, so that it is found and read as psql does."""

import os
from collections.abc import Mapping

from psycopg import pq
from psycopg.conninfo import make_conninfo

NO_ADDRESS = "none"  # which libpq refuses, once it has read the file and before it connects


def lookup(host: str, port: int, dbname: str, user: str, environ: Mapping[str, str]) -> str:
    """The password of the first matching line of PGPASSFILE or ~/.pgpass; empty when there is none.

    libpq ignores a file that others may read, and says so on standard error.
    """
    home = environ.get("HOME")
    name = environ.get("PGPASSFILE") or (home and f"{home}/.pgpass")
    if not name:
        return ""
    asked = make_conninfo(host=host, hostaddr=NO_ADDRESS, port=port, dbname=dbname, user=user, passfile=name)
    connection = pq.PGconn.connect_start(os.fsencode(asked))
    try:
        return (connection.password or b"").decode()
    except UnicodeDecodeError:  # no driver could be given it
        return ""
    finally:
        connection.finish()
