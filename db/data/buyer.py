"""Finds a user who bought so little that the simulation takes hardly any time."""

from db import server
from db.address.dsn import Dsn

LITTLE = 15  # a total quantity that takes hardly any time
_FIRST = 200  # the number of users to look at, so that no table is read completely

_QUERY = """
    SELECT orders.user_id
    FROM orders JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id <= %s
    GROUP BY orders.user_id
    HAVING sum(order_items.quantity) <= %s
    ORDER BY orders.user_id
    LIMIT 1
"""


def of_little(dsn: Dsn) -> int:
    """The id of the first user who bought something, but little. 1 if there is none among the first users."""
    with (
        server.explained(dsn, "looking for a user who bought little", "run `bench db load`"),
        server.connect(dsn) as conn,
    ):
        row = conn.execute(_QUERY, [_FIRST, LITTLE]).fetchone()
    return int(row[0]) if row else 1
