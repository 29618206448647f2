"""The external API: a real HTTP service that answers after a set delay, with no limit on concurrent requests.

Every answer is a new version of the note, so that a caller always has something to write. `GET /metrics` has the number
of answers, in Prometheus' text format.
"""

import asyncio
import os
from itertools import count
from typing import Annotated

from fastapi import FastAPI, Path, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, disable_created_metrics, generate_latest

from services.contract import models, params

versions = count(1)
DELAY_S = float(os.environ.get("EXTERNAL_API_DELAY_S", "5"))
FIGURES = CollectorRegistry()
disable_created_metrics()  # type: ignore[no-untyped-call]  # older servers treat them as gauges
CALLS = Counter("calls", "Calls that were answered.", registry=FIGURES)
Delay = Annotated[float, Path(ge=0, le=60, allow_inf_nan=False)]

app = FastAPI(title="external API")


@app.get("/ping")
async def ping() -> models.Pong:
    return models.Pong()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"service": "external_api", "nonce": os.environ.get("RUN_NONCE", "")}


@app.get("/metrics")
async def read_metrics() -> Response:
    return Response(generate_latest(FIGURES), media_type=CONTENT_TYPE_LATEST)


@app.get("/notes/{note_id}")
async def read_note(note_id: params.NoteId) -> models.Note:
    return await read_note_after(DELAY_S, note_id)


@app.get("/delayed/{delay_s}/notes/{note_id}")
async def read_note_after(delay_s: Delay, note_id: params.NoteId) -> models.Note:
    await asyncio.sleep(delay_s)
    CALLS.inc()
    return models.Note(id=note_id, data=f"Note {note_id}, version {next(versions)}")
