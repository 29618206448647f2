"""The environment of what a run starts: of the user's variables only those on a list, since others may change figures.

The private PostgreSQL has a shorter list of its own, in db/spawn.py, since it runs as another user.
"""

import os
from collections.abc import Mapping

from bench.plan.note import Kind, Note
from bench.plan.servers import SERVERS
from suite import catalogue

KEPT = (
    "PATH",  # wrk, and what a service of one's own may call
    "HOME",  # where libpq and asyncpg look for certificates; Locust is given another one
    "TMPDIR",  # where there is room for the figures of several workers
    "LD_LIBRARY_PATH",  # a Python with a shared library may not start without it
    "SSL_CERT_FILE",  # whom a connection to a target trusts
    "SSL_CERT_DIR",
)
SET = {
    # The same sorting, messages and time zone on every machine.
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONUNBUFFERED": "1",  # a log has everything, however its process ends
    "PYTHONNOUSERSITE": "1",  # packages of the lock alone, none of the user's own
    "PYTHONPATH": str(catalogue.CHECKOUT),  # Locust runs elsewhere, and needs the code that this harness runs
}
# What makes a process slower, faster or another one: the interpreter, the loader and malloc, threads of libraries, TLS,
# servers and load, instrumentation. Not on the list above; named to the user, since they were set for something.
INFLUENTIAL = (
    "PYTHON", "LD_", "DYLD_", "GLIBC_TUNABLES", "MALLOC_", "JEMALLOC_", "MIMALLOC_", "TCMALLOC_",
    "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "POLARS_", "RAYON_", "UV_THREADPOOL_SIZE", "UVLOOP_", "OPENSSL_",
    "SSLKEYLOGFILE", "PROMETHEUS_", "LOCUST_",
    "GEVENT_", "COVERAGE_", "COV_CORE_", "OTEL_", "DISABLE_SQLALCHEMY_CEXT",
    *(variable for server in SERVERS.values() for variable in server.variables),
)  # fmt: skip
# These change no figure.
HARMLESS = frozenset(
    {"PYTHONUNBUFFERED", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONIOENCODING"}
)


def clean(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For services, load and pgbench: what they need, and nothing that reconfigures them behind the plan's back."""
    return {name: environ[name] for name in KEPT if name in environ} | SET


def left_out(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The names of the user's variables that would have mattered and are left out. Their values may be secrets."""
    return sorted(name for name in environ if name.startswith(INFLUENTIAL) and name not in {*KEPT, *HARMLESS})


def facts(environ: Mapping[str, str] = os.environ) -> dict[str, list[str]]:
    """For environment.json."""
    passed_on = [name for name in ("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR") if name in environ]
    return {"passed_on": passed_on, "left_out": left_out(environ)}


def notes(environ: Mapping[str, str] = os.environ) -> list[Note]:
    """A note that names them, if there are any."""
    if not (names := left_out(environ)):
        return []
    text = f"services and load run without {', '.join(names)}; the harness itself has them: unset them for a run"
    return [Note("", Kind.VARIABLES, text)]
