"""Undo what a cell did to the dataset, so that each one starts from the same rows."""

import psycopg
from psycopg import sql

from db import content, dataset, marker, server
from db.dsn import Dsn

_REMEDY = (
    "stop what still uses its tables; cells change only notes and users they created, and `bench db load` repairs"
    " any other change"
)
_UNDO_NOTES = sql.SQL("UPDATE notes SET data = {note} WHERE data IS DISTINCT FROM {note}").format(
    note=sql.SQL(content.NOTE)
)


def restore(dsn: Dsn, *, lock_timeout_s: float = 15) -> None:
    """Remove users beyond the dataset (with their orders), put notes and identities back, vacuum and checkpoint.

    It costs what was changed, not what the dataset holds, but for reading the notes once.

    Raises:
        DatabaseError: there is no dataset, it was changed beyond what cells change, or a session that was left in a
            transaction locks what must be undone.
    """
    with server.explained(dsn, "restoring the dataset", _REMEDY), server.connect(dsn) as conn:
        found = marker.required(conn, dsn)
        conn.execute("SELECT set_config('lock_timeout', %s, false)", [f"{round(lock_timeout_s * 1000)}ms"])
        with conn.transaction():
            with_orders = _delete_beyond(conn, found.size)
            conn.execute(_UNDO_NOTES)
            reset_sequences(conn, found.size)
        # Rows that were updated and put back, or created and deleted, leave dead versions behind even where nothing
        # is left to undo. INDEX_CLEANUP ON: VACUUM would skip the indexes for a few, and cells would start unequal.
        conn.execute("VACUUM (INDEX_CLEANUP ON) users, notes")
        if with_orders:
            conn.execute("VACUUM (INDEX_CLEANUP ON) orders, order_items")
        server.checkpoint(conn)


def reset_sequences(conn: psycopg.Connection, size: dataset.Size) -> None:
    """Let every table's next id follow the dataset's last."""
    for table, rows in size.items():
        conn.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, rows])


def _delete_beyond(conn: psycopg.Connection, size: dataset.Size) -> bool:
    """Delete rows beyond the dataset, referring ones first; whether orders or items were among them."""
    limits = dict(size.items())
    conn.execute("DELETE FROM notes WHERE id > %(notes)s", limits)
    items = conn.execute("DELETE FROM order_items WHERE id > %(order_items)s OR order_id > %(orders)s", limits)
    orders = conn.execute("DELETE FROM orders WHERE id > %(orders)s", limits)
    conn.execute("DELETE FROM products WHERE id > %(products)s", limits)
    conn.execute("DELETE FROM users WHERE id > %(users)s", limits)
    return items.rowcount + orders.rowcount > 0
