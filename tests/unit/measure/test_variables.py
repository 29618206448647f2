"""The environment of what a run starts: a list of what it gets, and the names of what would have mattered."""

import json
import os
import sys
from pathlib import Path

import pytest

from bench.measure import load
from bench.measure.fleet import variables
from suite import catalogue
from tests.integration.checkout import wait_for

MEANT_FOR_OTHERS = {
    "PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1", "PYTHONTRACEMALLOC": "1", "PYTHONPATH": "/nowhere",
    "PYTHONSAFEPATH": "1", "LD_PRELOAD": "", "LD_AUDIT": "", "MALLOC_ARENA_MAX": "1", "GLIBC_TUNABLES": "",
    "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OPENSSL_CONF": "/dev/null", "WEB_CONCURRENCY": "7",
    "GUNICORN_CMD_ARGS": "--threads 3", "UVICORN_WORKERS": "2", "GRANIAN_LOOP": "rloop",
    "LOCUST_USERS": "5",
}  # fmt: skip


def test_only_what_is_on_the_list_is_passed_on() -> None:
    """The rest is ours, whatever the user has."""
    given = {"PATH": "/bin", "SSL_CERT_FILE": "/ca.pem", "TZ": "Asia/Tokyo", "LANG": "C", "SECRET": "x", "PGHOST": "h"}
    assert variables.clean(given | MEANT_FOR_OTHERS) == {
        "PATH": "/bin", "SSL_CERT_FILE": "/ca.pem", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "PGTZ": "UTC",
        "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1", "PYTHONPATH": str(catalogue.CHECKOUT),
    }  # fmt: skip


def test_an_application_of_the_user_has_the_shells_variables_but_for_what_would_matter() -> None:
    """Its own settings, and where its code is."""
    given = {"PATH": "/bin", "TZ": "Asia/Tokyo", "SECRET": "x", "PYTHONDONTWRITEBYTECODE": "1"}
    assert variables.of_user(given | MEANT_FOR_OTHERS) == given | {"PYTHONPATH": "/nowhere", "PYTHONUNBUFFERED": "1"}


def test_what_would_have_mattered_is_named_without_its_value() -> None:
    """Once, in a line and in environment.json."""
    assert variables.left_out(MEANT_FOR_OTHERS) == sorted(MEANT_FOR_OTHERS)
    harmless = {"PYTHONUNBUFFERED": "1", "LD_LIBRARY_PATH": "/lib", "SECRET": "x", "TERM": "dumb"}
    assert variables.facts(harmless) == {"passed_on": ["LD_LIBRARY_PATH"], "left_out": []}
    assert variables.notes(harmless) == []
    [note] = variables.notes({"PYTHONDEVMODE": "secret", "LD_PRELOAD": "secret"})
    assert str(note).startswith("services and load run without LD_PRELOAD, PYTHONDEVMODE;")
    assert "secret" not in str(note)


def test_the_load_gets_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is started as Locust is, its interpreter's own settings included."""
    for name, value in MEANT_FOR_OTHERS.items():
        monkeypatch.setenv(name, value)
    program = "import json, os, sys; print(json.dumps([dict(os.environ), sys.flags.dev_mode, sys.flags.safe_path]))"
    child = load.start([sys.executable, "-c", program], tmp_path, ())
    assert child.wait(20) == 0
    assert wait_for(lambda: child.log.read_text().endswith("\n"), 5)
    found, dev_mode, safe_path = json.loads(child.log.read_text())
    assert (dev_mode, safe_path) == (False, False)
    assert not {name for name in MEANT_FOR_OTHERS if found.get(name) == os.environ[name]}
    assert found["HOME"] == str(tmp_path)
