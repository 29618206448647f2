"""Inserts rows that only this process knows into the dataset's tables: a service that returns them uses the tables."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from db import server
from db.address.dsn import Dsn
from db.data import marker

_BEYOND = 2**62  # larger than any sequence or scale


@dataclass(frozen=True)
class Proof:
    """A user with the name `nonce`, and a note with the text `nonce`."""

    user_id: int
    note_id: int
    nonce: str


@contextmanager
def planted(dsn: Dsn) -> Iterator[Proof]:
    """Insert the two rows into the dataset's tables, and delete them at the end of the block.

    Raises:
        DatabaseError: a table of that name is not ours, there is no dataset, or the server refuses.
    """
    proof = Proof(_BEYOND + secrets.randbits(61), _BEYOND + secrets.randbits(61), secrets.token_hex(16))
    remedy = "stop what uses the dataset's tables, or use another database"
    with server.explained(dsn, "marking the dataset", remedy), server.connect(dsn) as conn:
        marker.required(conn, dsn)
        with conn.transaction():
            email = f"{proof.nonce}@example.com"
            conn.execute("INSERT INTO users (id, name, email) VALUES (%s, %s, %s)", [proof.user_id, proof.nonce, email])
            conn.execute("INSERT INTO notes (id, data) VALUES (%s, %s)", [proof.note_id, proof.nonce])
        try:
            yield proof
        finally:
            with conn.transaction():
                conn.execute("DELETE FROM users WHERE id = %s", [proof.user_id])
                conn.execute("DELETE FROM notes WHERE id = %s", [proof.note_id])
