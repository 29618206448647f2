"""The environment of the processes of a run. Only listed variables of the user are kept: others may change figures.

The private PostgreSQL has a separate, shorter list in db/private/spawn.py, because it runs as another user.
"""

import os
from collections.abc import Mapping

from bench.plan.note import Kind, Note
from bench.plan.servers import SERVERS
from suite import catalogue, trust

KEPT = (
    "PATH",  # for wrk, and for programs that a user's own service calls
    "HOME",  # libpq and asyncpg look for certificates there; Locust gets another one
    "TMPDIR",  # a place with room for the metrics of several workers
    "LD_LIBRARY_PATH",  # a Python with a shared library may not start without it
    "SSL_CERT_FILE",  # the certificates that a connection to a target trusts
    "SSL_CERT_DIR",
)
SET = {
    # The same sorting, messages and time zone on every machine.
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PGTZ": "UTC",  # libpq sends it to the server, in a way that a pooler takes
    "PYTHONUNBUFFERED": "1",  # a log is complete, however its process ends
    "PYTHONNOUSERSITE": "1",  # only packages of the lock, none of the user
    "PYTHONPATH": str(catalogue.CHECKOUT),  # Locust runs elsewhere, and needs the code that this harness runs
}
# Variables that change what a process does or how fast it is: interpreter, loader, malloc, threads of libraries, TLS,
# servers, load, instrumentation. They are not passed on. The user is informed, because they were set for a purpose.
INFLUENTIAL = (
    "PYTHON", "LD_", "DYLD_", "GLIBC_TUNABLES", "MALLOC_", "JEMALLOC_", "MIMALLOC_", "TCMALLOC_",
    "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "POLARS_", "RAYON_", "UV_THREADPOOL_SIZE", "UVLOOP_", "OPENSSL_",
    "SSLKEYLOGFILE", "PROMETHEUS_", "LOCUST_",
    "GEVENT_", "COVERAGE_", "COV_CORE_", "OTEL_", "DISABLE_SQLALCHEMY_CEXT",
    *(variable for server in SERVERS.values() for variable in server.variables),
)  # fmt: skip
# These do not change any figure.
HARMLESS = frozenset(
    {"PYTHONUNBUFFERED", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONIOENCODING"}
)


def clean(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of services, load and pgbench: what they need, and nothing that would reconfigure them."""
    return {name: environ[name] for name in KEPT if name in environ} | _places(environ) | SET


def _places(environ: Mapping[str, str]) -> dict[str, str]:
    """Where certificates are, from any folder: Locust runs in another one."""
    given = trust.of_openssl(environ)
    return {name: os.pathsep.join(map(os.path.abspath, value.split(os.pathsep))) for name, value in given.items()}


def of_user(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a user's own application: that of the shell, without what changes how fast it is.

    PYTHONPATH stays: it may be where its code is.
    """
    influential = set(left_out(environ)) - {"PYTHONPATH"}
    kept = {name: value for name, value in environ.items() if name not in influential}
    return kept | {"PYTHONUNBUFFERED": SET["PYTHONUNBUFFERED"]}


def left_out(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The names of influential variables of the user that are not passed on. Their values may be secrets."""
    return sorted(name for name in environ if name.startswith(INFLUENTIAL) and name not in {*KEPT, *HARMLESS})


def facts(environ: Mapping[str, str] = os.environ) -> dict[str, list[str]]:
    """The variables that are passed on or left out, for environment.json."""
    passed_on = [name for name in ("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR") if name in environ]
    return {"passed_on": passed_on, "left_out": left_out(environ)}


def notes(environ: Mapping[str, str] = os.environ) -> list[Note]:
    """A note about variables that are left out, if there are any."""
    if not (names := left_out(environ)):
        return []
    text = f"services and load run without {', '.join(names)}; the harness itself has them: unset them for a run"
    return [Note("", Kind.VARIABLES, text)]
