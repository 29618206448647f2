"""Undoes the changes of a cell to the dataset, so that each cell starts from the same rows."""

import psycopg
from psycopg import sql

from db import server
from db.address.dsn import Dsn
from db.data import content, dataset, marker

_REMEDY = (
    "stop what still uses its tables; cells change only notes and users they created, and `bench db load` repairs"
    " any other change"
)
_UNDO_NOTES = sql.SQL("UPDATE notes SET data = {note} WHERE data IS DISTINCT FROM {note}").format(
    note=sql.SQL(content.NOTE)
)


def restore(dsn: Dsn, *, lock_timeout_s: float = 15) -> None:
    """Delete users beyond the dataset (with their orders), restore notes and sequences, vacuum and checkpoint.

    The cost depends on the changes, not on the size of the dataset, except that all notes are read once.

    Raises:
        DatabaseError: there is no dataset, it has changes that cells do not make, or a session that was left in a
            transaction locks the rows.
    """
    with server.explained(dsn, "restoring the dataset", _REMEDY), server.connect(dsn) as conn:
        found = marker.required(conn, dsn)
        with conn.transaction():
            conn.execute("SELECT set_config('lock_timeout', %s, true)", [f"{round(lock_timeout_s * 1000)}ms"])
            with_orders = _delete_beyond(conn, found.size)
            conn.execute(_UNDO_NOTES)
            reset_sequences(conn, found.size)
            # VACUUM takes this lock, outside of a transaction and so without a time-out. Now it is free.
            conn.execute("LOCK TABLE users, notes IN SHARE UPDATE EXCLUSIVE MODE")
        # Rows that were updated and restored, or created and deleted, leave dead versions even if nothing is left to
        # undo. INDEX_CLEANUP ON: VACUUM would skip the indexes if there are few, and cells would not start equal.
        conn.execute("VACUUM (INDEX_CLEANUP ON) users, notes")
        if with_orders:
            conn.execute("VACUUM (INDEX_CLEANUP ON) orders, order_items")
        server.checkpoint(conn)


def reset_sequences(conn: psycopg.Connection, size: dataset.Size) -> None:
    """Set the next id of every table to follow the last one of the dataset."""
    for table, rows in size.items():
        conn.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, rows])


def _delete_beyond(conn: psycopg.Connection, size: dataset.Size) -> bool:
    """Delete rows beyond the dataset, referring rows first. Returns whether orders or items were deleted."""
    limits = dict(size.items())
    conn.execute("DELETE FROM notes WHERE id > %(notes)s", limits)
    items = conn.execute("DELETE FROM order_items WHERE id > %(order_items)s OR order_id > %(orders)s", limits)
    orders = conn.execute("DELETE FROM orders WHERE id > %(orders)s", limits)
    conn.execute("DELETE FROM products WHERE id > %(products)s", limits)
    conn.execute("DELETE FROM users WHERE id > %(users)s", limits)
    return items.rowcount + orders.rowcount > 0
