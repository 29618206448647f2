"""The external API: a real HTTP service that answers after a set delay, with no limit on concurrent requests.

Every answer is a new version of the note, so that a caller always has something to write.
"""

import asyncio
import os
from itertools import count
from typing import Annotated

from fastapi import FastAPI, Path

from services.contract import models, params

versions = count(1)
DELAY_S = float(os.environ.get("EXTERNAL_API_DELAY_S", "5"))
Delay = Annotated[float, Path(ge=0, le=60, allow_inf_nan=False)]

app = FastAPI(title="external API")


@app.get("/ping")
async def ping() -> models.Pong:
    return models.Pong()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"service": "external_api", "nonce": os.environ.get("RUN_NONCE", "")}


@app.get("/notes/{note_id}")
async def read_note(note_id: params.NoteId) -> models.Note:
    return await read_note_after(DELAY_S, note_id)


@app.get("/delayed/{delay_s}/notes/{note_id}")
async def read_note_after(delay_s: Delay, note_id: params.NoteId) -> models.Note:
    await asyncio.sleep(delay_s)
    return models.Note(id=note_id, data=f"Note {note_id}, version {next(versions)}")
