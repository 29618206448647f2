"""Where the CPU time goes, of real services under a real load."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.analysis import analysis
from bench.analysis.profiling import profile
from bench.analysis.profiling.layers import Layer
from bench.analysis.profiling.profile import WHOLE, CellProfile
from bench.measure.profiling import urgent
from bench.store import stored
from suite import catalogue
from tests.integration.checkout import Checkout, copied

BOTH = (0, 3)  # on a busy machine a cell may be INVALID, and these facts still hold
BURNED_MS = 0.1
# Where a service burns time, in a file that belongs to the layer in question; the others only pass the call on.
BURN = '''
import time
import asyncpg, fastapi.routing
from fastapi import Depends

WHERE = "{where}"
SOURCE = """
async def NAME(*args, **more):
    if burns:
        until = clock() + 100_000
        while clock() < until:
            pass
    return await original(*args, **more)
"""

def burning(name, original, place, burns):
    scope = dict(original=original, burns=burns, clock=time.perf_counter_ns)
    exec(compile(SOURCE.replace("NAME", name), place, "exec"), scope)
    return scope[name]

async def dependency() -> None:
    if WHERE == "dependency":
        until = time.perf_counter_ns() + 100_000
        while time.perf_counter_ns() < until:
            pass

asyncpg.Connection.fetchrow = burning(
    "fetchrow", asyncpg.Connection.fetchrow, asyncpg.connection.__file__, WHERE == "driver"
)
fastapi.routing.serialize_response = burning(
    "serialize_response", fastapi.routing.serialize_response, fastapi.routing.__file__, WHERE == "serialisation"
)
DEPENDENCIES = [Depends(dependency)]
'''
PLACES = {
    "dependency": Layer("service's own code", "dependencies"),
    "driver": Layer("driver", "Python"),
    "serialisation": Layer("FastAPI", "serialisation"),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    stage()
    yield from copied(tmp_path_factory.mktemp("profile") / "checkout")


def table(run: Path, name: str) -> list[dict[str, str]]:
    with (run / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_layers_add_up_to_the_cpu_time_without_the_profiler(checkout: Checkout) -> None:
    """Within 3% of what the summary says, and under 5% is in no layer. The stacks are there for other tools."""
    code, printed = checkout.bench(
        "profile", "asyncpg_async", "--against", "psycopg2_sync", "--rounds", "2", "--name", "two", timeout_s=200
    )
    assert code in BOTH, printed
    run = checkout.results / "two"
    rows = table(run, "profile.csv")
    cpu_ms = {
        one["service"]: float(one["service_cpu_ms_per_request"])
        for one in table(run, "summary.csv")
        if one["operation"] == "all"
    }
    assert set(cpu_ms) == {"asyncpg_async", "psycopg2_sync"}
    with urgent.before_others() as first:  # without that right, a service with threads may have no layers
        profiled = cpu_ms if first else {"asyncpg_async": cpu_ms["asyncpg_async"]}
    for service, whole_ms in profiled.items():
        mine = [one for one in rows if one["service"] == service and not one["part"]]
        known = {one["layer"]: float(one["cpu_ms_per_request"]) for one in mine}
        assert sum(ms for name, ms in known.items() if name != WHOLE) == pytest.approx(whole_ms, rel=0.03)
        assert known.get("other", 0.0) < 0.05 * whole_ms
        assert known["driver"] > 0
        assert (known.get("thread hand-over", 0.0) > 0.01) == (service == "psycopg2_sync")
        lines = (run / "stacks" / f"{service}.collapsed.txt").read_text().splitlines()
        assert any(f"services/{service}/app.py" in line for line in lines)
        assert not [line for line in lines if str(checkout.folder) in line]
        assert json.loads((run / "stacks" / f"{service}.speedscope.json").read_text())["profiles"]
    assert ("more CPU time a request than" in printed) >= first
    assert "Where the CPU time goes" in (run / "report.html").read_text()
    assert checkout.wait_until_empty() == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv takes the right to trace away")
def test_where_the_kernel_forbids_it_the_run_goes_on_without(checkout: Checkout) -> None:
    """The service forbids it, and the run has no right to override that."""
    app = checkout.folder / "services" / "asyncpg_async" / "app.py"
    written = app.read_text()
    app.write_text(f"{written}\nimport ctypes\nctypes.CDLL(None).prctl(4, 0)\n")  # PR_SET_DUMPABLE
    try:
        process = checkout.start(
            "profile", "asyncpg_async", "--rounds", "1", "--measure", "1", "--profile-s", "1", "--name", "denied",
            before=("setpriv", "--bounding-set", "-sys_ptrace"),
        )  # fmt: skip
        printed, _ = process.communicate(timeout=120)
    finally:
        app.write_text(written)
    assert process.returncode in BOTH, printed
    flat = " ".join(printed.split())
    assert "no layers: the kernel does not let this user trace the service" in flat
    assert (checkout.results / "denied" / "summary.csv").exists()
    assert not (checkout.results / "denied" / "profile.csv").exists()


@pytest.mark.release
def test_time_that_is_burned_is_found_in_its_layer(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1 ms in a dependency, in a driver's call, in serialisation: there, within its interval, and nowhere else."""
    for number, where in enumerate(("nowhere", *PLACES)):
        burner(checkout, where, 8091 + number)
    services = ",".join(f"burns_{where}" for where in ("nowhere", *PLACES))
    plan = checkout.folder / "burned.toml"
    written = (checkout.folder / "bench" / "plans" / "profile.toml").read_text()
    plan.write_text(written.replace("profile_s = 4", "profile_s = 6"))
    code, printed = checkout.bench(
        "run", "--plan", str(plan), "--services", services, "--rounds", "8", "--measure", "6", "--name", "burned",
        timeout_s=900,
    )  # fmt: skip
    assert code in BOTH, printed
    monkeypatch.setattr(catalogue, "SERVICES", checkout.folder / "services")
    catalogue.services.cache_clear()
    try:
        found = {one.slug: one for one in analysis.of(stored.outcome(checkout.results / "burned")).profiles}
    finally:
        monkeypatch.undo()
        catalogue.services.cache_clear()
    for where, layer in PLACES.items():
        check(found[f"burns_{where}"], found["burns_nowhere"], layer)


def check(burns: CellProfile, does_not: CellProfile, layer: Layer) -> None:
    """That the layer has the time, and every other layer none beyond its interval, or a tenth of it.

    A longer request is interrupted more often, which is time of the kernel.
    """
    every = {one.layer: one for one in profile.differences(burns, does_not)}
    mine = every.pop(layer)
    assert mine.interval is not None
    assert mine.interval[0] <= BURNED_MS <= mine.interval[1], mine
    for known, one in every.items():
        if known.name not in {WHOLE, layer.name} and not known.part:
            assert one.interval is not None
            assert one.interval[0] <= 0 <= one.interval[1] or abs(one.ms) < BURNED_MS / 10, one


def burner(checkout: Checkout, where: str, port: int) -> None:
    """A service like asyncpg_async that burns time there."""
    folder = checkout.folder / "services" / f"burns_{where}"
    shutil.copytree(checkout.folder / "services" / "asyncpg_async", folder)
    (folder / "burn.py").write_text(BURN.replace("{where}", where))
    app = (folder / "app.py").read_text().replace("services.asyncpg_async", f"services.burns_{where}")
    app = app.replace('FastAPI(title="asyncpg", ', 'FastAPI(title="asyncpg", dependencies=burn.DEPENDENCIES, ')
    imported = f"import asyncpg\nfrom services.burns_{where} import burn\n"
    (folder / "app.py").write_text(app.replace("import asyncpg\n", imported, 1))
    for name in ("studies.py", "database.py"):
        path = folder / name
        path.write_text(path.read_text().replace("services.asyncpg_async", f"services.burns_{where}"))
    described = (folder / "service.toml").read_text()
    (folder / "service.toml").write_text(described.replace("port = 8002", f"port = {port}"))
