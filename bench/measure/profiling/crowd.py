"""A short load by many clients at once, after which a service has all its threads and has used all its connections."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import httpx

from suite.errors import ServiceError
from suite.service import Service

HOLDS = "session_sleep"
"""The operation that holds a thread and a connection for as long as it is asked to."""
HOLD_S = 0.2
READS_OF_EACH = 30
MOST_WAVES = 5
MOST_BATCHES = 100
TIMEOUT_S = 30.0
T = TypeVar("T")


class Crowd:
    """The clients of one service, each with a connection of its own, the same number at each of its workers."""

    def __init__(self, url: str, service: Service, users: int) -> None:
        """Connects nothing yet. `users` is the number in the dataset."""
        self._url, self._service, self._users = url, service, users

    def loaded(
        self,
        workers: int,
        each: int,
        whose: Callable[[], Mapping[int, int]],
        is_full: Callable[[], bool],
        read: Callable[[], T],
    ) -> T:
        """Load the service with `each` clients at each worker, and return what `read` finds while they are connected.

        `whose` has the process that accepted each connection, by the client's port. First all clients hold a connection
        of the pool, or wait for one, until `is_full`. Then each reads, READS_OF_EACH times. Raises ServiceError when
        a request fails, or when the service does not become full.
        """

        async def inside() -> T:
            async with AsyncExitStack() as stack:
                clients = await self._gathered(workers, each, whose, stack)
                await self._fill(clients, is_full)
                chance = random.Random(each)  # noqa: S311  # no secret: the same is asked at each point
                await _all(_ask(client, self._reads(chance)) for client in clients)
                return read()

        return asyncio.run(inside())

    async def _gathered(
        self, workers: int, each: int, whose: Callable[[], Mapping[int, int]], stack: AsyncExitStack
    ) -> list[httpx.AsyncClient]:
        """Which worker accepts a connection is chance, so what is beyond `each` is closed, and others are opened."""
        at: dict[int, list[httpx.AsyncClient]] = {}
        for _ in range(MOST_BATCHES):
            missing = workers * each - sum(map(len, at.values()))
            if not missing:
                return [client for some in at.values() for client in some]
            opened = [await stack.enter_async_context(self._client()) for _ in range(missing)]
            ports = await _all(map(_connected, opened))
            accepted = whose()
            for client, port in zip(opened, ports, strict=True):
                there = at.setdefault(accepted[port], []) if port in accepted else []
                if port in accepted and len(there) < each:
                    there.append(client)
                else:
                    await client.aclose()
        raise ServiceError(f"{self._service.name}: its {workers} workers did not accept {each} connections each")

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S, trust_env=False, verify=False)  # noqa: S501  # plain HTTP

    async def _fill(self, clients: Sequence[httpx.AsyncClient], is_full: Callable[[], bool]) -> None:
        can_hold = self._service.answers([HOLDS])
        path = f"/session-sleep?sleep=inside&seconds={HOLD_S}" if can_hold else "/point-reads?count=20&seed=1"
        for _ in range(MOST_WAVES):
            await _all(_ask(client, [path]) for client in clients)
            if is_full():
                return
        raise ServiceError(
            f"{self._service.name} did not use all its threads and connections for {len(clients)} clients at once"
        )

    def _reads(self, chance: random.Random) -> list[str]:
        """What one client reads, in its order."""
        ids = [chance.randrange(self._users) + 1 for _ in range(READS_OF_EACH)]
        return [
            (f"/users/{one}", f"/users?offset={one - 1}&limit=10", f"/point-reads?count=20&seed={one}")[number % 3]
            for number, one in enumerate(ids)
        ]


async def _all(asked: Iterable[Awaitable[T]]) -> list[T]:
    return await asyncio.gather(*asked)


async def _connected(client: httpx.AsyncClient) -> int:
    """Connect, and return the own port. It asks for what needs no thread and no database."""
    answer = await _get(client, "/health")
    return int(answer.extensions["network_stream"].get_extra_info("client_addr")[1])


async def _ask(client: httpx.AsyncClient, paths: Sequence[str]) -> None:
    for path in paths:
        await _get(client, path)


async def _get(client: httpx.AsyncClient, path: str) -> httpx.Response:
    try:
        answer = await client.get(path)
    except httpx.HTTPError as error:
        raise ServiceError(f"GET {path} was not answered: {error!r}") from None
    if answer.is_error:
        raise ServiceError(f"GET {path} answered {answer.status_code}: {answer.text}")
    return answer
