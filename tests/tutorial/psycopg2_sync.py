"""psycopg2, as in "Connections pooling" (pool.html) and "with statement" (usage.html) of its documentation.

Its pool raises when it is empty, so it has a connection for each of FastAPI's 40 threads.
"""

import os

from fastapi import FastAPI, HTTPException
from psycopg2.extras import RealDictCursor
from psycopg2.pool import ThreadedConnectionPool

from tests.tutorial.models import User

pool = ThreadedConnectionPool(40, 40, os.environ["DATABASE_URL"], options="-c timezone=UTC")
app = FastAPI()


@app.get("/users/{user_id}")
def read_user(user_id: int) -> User:
    conn = pool.getconn()
    try:
        with conn, conn.cursor(cursor_factory=RealDictCursor) as cur:
            cur.execute("SELECT id, name, email, created_at FROM users WHERE id = %s", (user_id,))
            row = cur.fetchone()
    finally:
        pool.putconn(conn)
    if row is None:
        raise HTTPException(status_code=404, detail="User not found")
    return User(**row)
