"""The routes of the studies. They need a database, so they answer 501 here."""

from fastapi import APIRouter

from services.contract import errors, models, params, refusals

router = APIRouter()


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    raise errors.needs_a_database()


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    raise errors.needs_a_database()


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    raise errors.needs_a_database()


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    raise errors.needs_a_database()


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    raise errors.needs_a_database()


router.include_router(refusals.of_relations(errors.needs_a_database))
router.include_router(refusals.of_streams(errors.needs_a_database))
