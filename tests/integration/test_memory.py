"""The memory that one more connection, thread and worker takes, of a real service on a real PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.analysis.profiling.memory import costs
from bench.measure.database import Database
from bench.measure.named import locate
from bench.measure.profiling import memory
from bench.plan.matrix import default_setup
from db.address.dsn import Dsn


@pytest.mark.slow
def test_a_worker_takes_more_than_a_connection(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path
) -> None:
    """A thread takes something, too, in the service alone; a connection takes more in PostgreSQL than in the service.

    Every point is measured once a round, and all services have ended.
    """
    stage()
    server = Database(restored, private=True, pid=locate.find(restored).postmaster)
    said: list[str] = []
    points = memory.measured(default_setup("psycopg2_sync"), server, users, tmp_path, said.append, rounds=2)
    assert sorted((one.of, one.value, one.round) for one in points) == sorted(
        (of, value, number) for of, values in memory.VALUES.items() for value in values for number in (1, 2)
    )
    assert len(said) == 14  # the default setup is a point of each, and is measured once a round
    assert all(one.database_pss_mb is not None for one in points)
    connection, thread, worker = costs("psycopg2_sync", points)
    assert thread.service_mb_each > 0
    assert worker.service_mb_each > 10
    assert worker.service_mb_each > connection.service_mb_each
    assert worker.ci_low > connection.ci_high
    assert connection.database_mb_each is not None
    assert worker.database_mb_each is not None
    assert worker.database_mb_each > connection.database_mb_each > connection.service_mb_each
