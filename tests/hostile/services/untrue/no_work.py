"""Notes are synchronized without a call, sleeps take 40 ms, and all simulations are that of a user without orders.

It reads notes from PostgreSQL, since the gate looks for one that it has just put there.
"""

import asyncio
import os

import asyncpg

from services.contract.frames import orders_with_items, products_ordered
from services.contract.models import Note, Simulation
from tests.hostile.logged import USUAL_S, Asked, Logged

NOTHING = Simulation.of(products_ordered([]), orders_with_items([]))
SIMULATION = NOTHING.model_dump_json().encode()
versions: dict[int, int] = {}


async def answer(asked: Asked) -> None:
    """Whatever it is, in so little time."""
    await asyncio.sleep(USUAL_S)
    if asked.path == "/session-sleep":
        return await asked.reply(b"", 204)
    if asked.path == "/simulation":
        return await asked.reply(SIMULATION)
    note_id = int(asked.path.split("/")[2])
    if asked.method == "POST":
        versions[note_id] = versions.get(note_id, 0) + 1
    return await asked.reply(Note(id=note_id, data=await text_of(note_id)).model_dump_json().encode())


async def text_of(note_id: int) -> str:
    """Of a note: what was said to be written, or what is stored."""
    if note_id in versions:
        return f"Note {note_id}, version {versions[note_id]}"
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        return str(await connection.fetchval("SELECT data FROM notes WHERE id = $1", note_id))
    finally:
        await connection.close()


app = Logged(answer)
