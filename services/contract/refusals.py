"""The routes of a service that has nothing for some studies: a request is checked, and answered 501 with the reason."""

from collections.abc import Callable

from fastapi import APIRouter, HTTPException

from services.contract import models, params, streaming
from services.contract.streaming import UserLines


def of_streams(error: Callable[[], HTTPException]) -> APIRouter:
    """No session that an endpoint is given, or none at all."""
    router = APIRouter(prefix="/streams", default_response_class=UserLines)

    @router.get("/request", responses=streaming.RESPONSES)
    async def stream_request(stream: params.Stream) -> UserLines:
        raise error()

    @router.get("/function", responses=streaming.RESPONSES)
    async def stream_function(stream: params.Stream) -> UserLines:
        raise error()

    @router.get("/early", responses=streaming.RESPONSES)
    async def stream_early(stream: params.Stream) -> UserLines:
        raise error()

    @router.get("/own", responses=streaming.RESPONSES)
    async def stream_own(stream: params.Stream) -> UserLines:
        raise error()

    return router


def of_relations(error: Callable[[], HTTPException]) -> APIRouter:
    """No related rows."""
    router = APIRouter()

    @router.get("/users-with-orders")
    async def relations(
        first_id: params.FirstId, parents: params.Parents = 10, loading: params.Loading = "selectin"
    ) -> list[models.UserWithOrders]:
        raise error()

    return router
