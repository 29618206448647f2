"""Clients of the external API that `POST /notes/{id}/synchronize` calls, for `def` and `async def` endpoints."""

from typing import Self

import aiohttp
import httpx

from services.contract.errors import ExternalApiError

TIMEOUT_S = 60.0


class ExternalApi:
    """A client with pooled connections, one for each calling thread. They are closed at the end of the `with` block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=TIMEOUT_S, limits=httpx.Limits(max_connections=None), trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def note(self, note_id: int) -> str:
        """The external API's new text for this note. Raises ExternalApiError."""
        try:
            answer = self._client.get(f"{self._url}/notes/{note_id}")
            return str(answer.raise_for_status().json()["data"])
        except httpx.HTTPError as error:
            raise ExternalApiError from error


class AsyncExternalApi:
    """A client with an unlimited pool: each waiting request has a connection. It is open in the `async with` block."""

    _session: aiohttp.ClientSession

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        # Created only now: a session belongs to the event loop that runs at its creation.
        # aiohttp: at a thousand concurrent calls, httpx.AsyncClient would cost more CPU time than everything else.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def note(self, note_id: int) -> str:
        """The external API's new text for this note. Raises ExternalApiError."""
        try:
            async with self._session.get(f"{self._url}/notes/{note_id}", raise_for_status=True) as answer:
                return str((await answer.json())["data"])
        except (TimeoutError, aiohttp.ClientError) as error:
            raise ExternalApiError from error
