"""What a service's folder holds: short files, with the same names for the same things in twins."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from services import introspection
from services.settings import Settings
from suite import catalogue
from suite.service import Service

LONGEST_APP = 130
# A thread for the simulation's other query, where there is no event loop to gather both.
SYNC_ALONE = {"executor"}


@pytest.mark.parametrize("app", sorted(catalogue.SERVICES.glob("*/app.py")), ids=lambda app: app.parent.name)
def test_what_people_copy_is_short(app: Path) -> None:
    """At most 130 lines."""
    assert len(app.read_text().splitlines()) <= LONGEST_APP


@pytest.mark.parametrize("library", ["psycopg3", "sqlalchemy", "sqlmodel"])
@pytest.mark.parametrize("module", ["app.py", "database.py", "studies.py"])
def test_twins_have_the_same_names_in_the_same_order(library: str, module: str) -> None:
    """So that the synchronous and the asynchronous service can be read side by side."""
    sync, async_ = (defined(catalogue.SERVICES / f"{library}_{mode}" / module) for mode in ("sync", "async"))
    assert [name for name in sync if name not in SYNC_ALONE] == async_


def defined(path: Path) -> list[str]:
    """Functions, classes and variables of a module, in their order."""
    names = list[str]()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    assert names
    return names


@pytest.mark.parametrize("service", catalogue.services().values(), ids=lambda service: service.name)
def test_ping_needs_a_thread_where_every_endpoint_does(service: Service) -> None:
    """`def` in synchronous services, `async def` in asynchronous ones; health and metrics never wait for a thread."""
    app = FastAPI()
    module = service.application.partition(":")[0]
    introspection.add_routes(app, module, Settings.from_environment({"DATABASE_URL": "postgresql://"}))
    found = {one.name: inspect.iscoroutinefunction(one.endpoint) for one in app.routes if isinstance(one, APIRoute)}
    assert found == {"health": True, "ping": service.mode == "async", "metrics": True}


@pytest.mark.parametrize("service", catalogue.services().values(), ids=lambda service: service.name)
def test_a_start_imports_nothing_that_only_a_study_needs(service: Service) -> None:
    """Each would be thousands of objects more for every full garbage collection to walk through."""
    code = f"import sys, {service.application.partition(':')[0]}; print(*sys.modules)"
    environment = {"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "PYTHONPATH": str(catalogue.CHECKOUT)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "fastapi" in imported
    assert imported & {"polars", "httpx", "aiohttp", "psutil", "numpy"} == set()
