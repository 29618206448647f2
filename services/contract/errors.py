"""Error answers: the same status and body in every service."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from services.contract.models import Problem

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": Problem}}
UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Problem}}
BAD_GATEWAY: dict[int | str, dict[str, Any]] = {502: {"model": Problem}}


class ExternalApiError(Exception):
    """The external API could not be reached, took too long or answered with an error."""


def user_not_found(user_id: int) -> HTTPException:
    """404: no user has this id."""
    return HTTPException(404, f"user {user_id} not found")


def note_not_found(note_id: int) -> HTTPException:
    """404: no note has this id."""
    return HTTPException(404, f"note {note_id} not found")


def email_taken() -> HTTPException:
    """409: another user has this address."""
    return HTTPException(409, "email already taken")


def user_has_orders(user_id: int) -> HTTPException:
    """409: orders refer to this user."""
    return HTTPException(409, f"user {user_id} has orders")


def needs_a_database() -> HTTPException:
    """501: the service has no database."""
    return HTTPException(501, "this service has no database")


def not_by_this_library() -> HTTPException:
    """501: the library has nothing that makes sense for this operation."""
    return HTTPException(501, "this operation makes no sense with this library")


def add_handlers(app: FastAPI, *, pool_timeout: type[Exception] = TimeoutError) -> None:
    """Give every service the same answers to bad input and to a timeout of the pool.

    `pool_timeout` is the exception that the service's library raises when no connection becomes free in time.
    """

    @app.exception_handler(RequestValidationError)
    async def bad_input(_: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI's own handler echoes `input`, and fails to serialise it if it is NaN or a lone surrogate.
        problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
        return JSONResponse({"detail": problems}, status_code=422)

    @app.exception_handler(ExternalApiError)
    async def no_answer(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"detail": "the external API did not answer"}, status_code=502)

    @app.exception_handler(pool_timeout)
    async def no_connection(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"detail": "no database connection came free in time"}, status_code=503)
