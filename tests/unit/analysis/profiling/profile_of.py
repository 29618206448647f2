"""Profiles of two made-up cells."""

from bench.analysis.profiling import profile
from bench.analysis.profiling.layers import Layer
from bench.analysis.profiling.profile import CellProfile
from bench.analysis.profiling.rounds import RoundProfile

KERNEL, C, PYTHON, ORM = (
    Layer("kernel"),
    Layer("driver", "C"),
    Layer("driver", "Python"),
    Layer("ORM / query builder", "loading"),
)
READ = "_run_module_as_main (python/runpy.py);run (uvicorn/server.py);read_user (services/x/app.py)"
STACKS = {READ: 0.15, f"{READ};fetch (asyncpg/pool.py)": 0.05}


def of_round(kernel: float, c: float, python: float, orm: float = 0.0) -> RoundProfile:
    layers_ms = {KERNEL: kernel, C: c, PYTHON: python} | ({ORM: orm} if orm else {})
    whole = sum(layers_ms.values())
    return RoundProfile(layers_ms, whole, whole * 1.1, 300, 0.0, STACKS)


def cell(slug: str, *every: RoundProfile) -> CellProfile:
    made = profile.of_cell("point_read", slug, dict(enumerate(every, 1)))
    assert made is not None
    return made


DRIVER = cell("asyncpg_async", of_round(0.1, 0.2, 0.1), of_round(0.12, 0.18, 0.12))
WITH_ORM = cell("sqlalchemy_async", of_round(0.15, 0.2, 0.1, 0.31), of_round(0.16, 0.18, 0.12, 0.31))
FAILED = cell("psycopg2_sync", RoundProfile(problem="not allowed"))
