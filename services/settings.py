"""The settings of a service, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Settings:
    """The settings of a service. All services of a run have the same, unless the plan differs."""

    database_url: str = field(repr=False)
    connect_timeout_s: float
    pool_size: int
    pool_overflow: int
    pool_timeout_s: float
    threads: int
    profile: str
    gc: str
    pooler: str
    dataset_users: int
    nonce: str
    external_api_url: str
    pgtz: str = ""
    driver: str = ""
    loop_lag_file: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, *, driver: str = "") -> "Settings":
        """Read the variables that docker-compose.yaml and the harness set. The defaults are those of the default plan.

        `driver` is the usual driver of a service that has a choice.
        Raises KeyError when DATABASE_URL is missing and ValueError when a number is not one.
        """
        return cls(
            database_url=environ["DATABASE_URL"],
            connect_timeout_s=float(environ.get("CONNECT_TIMEOUT_S", "60")),
            pool_size=int(environ.get("POOL_SIZE", "10")),
            pool_overflow=int(environ.get("POOL_OVERFLOW", "0")),
            pool_timeout_s=float(environ.get("POOL_TIMEOUT_S", "30")),
            threads=int(environ.get("THREADS", "40")),
            profile=environ.get("PROFILE", "idiomatic"),
            gc=environ.get("GC", "default"),
            pooler=environ.get("POOLER", "none"),
            dataset_users=int(environ.get("DATASET_USERS", "10000")),
            nonce=environ.get("RUN_NONCE", ""),
            external_api_url=environ.get("EXTERNAL_API_URL", "http://127.0.0.1:8020"),
            pgtz=environ.get("PGTZ", ""),
            driver=environ.get("DRIVER") or driver,
            loop_lag_file=environ.get("LOOP_LAG_FILE", ""),
        )

    @property
    def lean(self) -> bool:
        """Whether to avoid every round trip that the library's defaults add."""
        return self.profile == "lean"

    @property
    def pooled(self) -> bool:
        """Whether a pooler in transaction mode is before PostgreSQL: each transaction may get another session."""
        return self.pooler == "transaction"

    @property
    def pool_limit(self) -> int:
        """The most connections that one worker may hold."""
        return self.pool_size + self.pool_overflow

    @property
    def options(self) -> str:
        """libpq's `options` for a driver that returns times in the session's time zone: those of the URL, then UTC.

        PGTZ=UTC in the environment does the same, without `options`, which a pooler refuses.
        """
        given = parse_qs(urlsplit(self.database_url).query).get("options", [])
        return " ".join([*given[-1:], *([] if self.pgtz == "UTC" else ["-c timezone=UTC"])])
