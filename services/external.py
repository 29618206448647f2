"""Clients of the external API that `POST /notes/{id}/synchronize` calls, for `def` and `async def` endpoints.

Each is imported and opened at the first call: only this operation needs one, and both bring many objects along, which
every full garbage collection of a service would walk through.
"""

from threading import Lock
from typing import TYPE_CHECKING, Self

from services.contract.errors import ExternalApiError

if TYPE_CHECKING:
    import aiohttp
    import httpx

TIMEOUT_S = 60.0


class ExternalApi:
    """A client with pooled connections, one for each calling thread. They are closed at the end of the `with` block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: httpx.Client | None = None
        self._opening = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def note(self, note_id: int) -> str:
        """The external API's new text for this note. Raises ExternalApiError."""
        import httpx  # noqa: PLC0415  # see above

        client = self._client or self._opened()
        try:
            answer = client.get(f"{self._url}/notes/{note_id}")
            return str(answer.raise_for_status().json()["data"])
        except httpx.HTTPError as error:
            raise ExternalApiError from error

    def _opened(self) -> "httpx.Client":
        """The client, opened by the first of the threads that call at once."""
        import httpx  # noqa: PLC0415  # see above

        with self._opening:
            if self._client is None:
                limits = httpx.Limits(max_connections=None)
                self._client = httpx.Client(timeout=TIMEOUT_S, limits=limits, trust_env=False)
            return self._client


class AsyncExternalApi:
    """A client with an unlimited pool: each waiting request has a connection. It is closed with the block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def note(self, note_id: int) -> str:
        """The external API's new text for this note. Raises ExternalApiError."""
        import aiohttp  # noqa: PLC0415  # see above

        if self._session is None:  # nothing waits between this look and the next line, so there is only one session
            # aiohttp: at a thousand concurrent calls, httpx.AsyncClient would cost more CPU time than everything else.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
            )
        try:
            async with self._session.get(f"{self._url}/notes/{note_id}", raise_for_status=True) as answer:
                return str((await answer.json())["data"])
        except (TimeoutError, aiohttp.ClientError) as error:
            raise ExternalApiError from error
