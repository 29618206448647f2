"""What a run needs of this machine: the ports of what it starts, and no others."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.measure import preflight
from bench.plan import checks, file, matrix
from bench.store import runs
from suite import catalogue
from suite.errors import CatalogueError, PreflightError
from suite.service import Own, Pipelined

SUITE = "asyncpg_async"


@pytest.fixture(autouse=True)
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Services with ports that nobody else uses, and the address of a target that answers."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    names = [SUITE, "no_database", catalogue.EXTERNAL, "mine"]
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        found = {name: probe.getsockname()[1] for name, probe in zip(names, probes, strict=True)}
    for name, port in found.items():
        if name != "mine":
            service = catalogue.external() if name == catalogue.EXTERNAL else catalogue.service(name)
            monkeypatch.setitem(service.__dict__, "port", port)
    return found


@contextmanager
def taken(*ports: int) -> Iterator[None]:
    """Somebody listens there."""
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


def test_a_library_that_is_not_installed_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any service is started, whose log would have a traceback."""
    monkeypatch.setitem(catalogue.service(SUITE).__dict__, "libraries", ("asyncpg", "library-of-nowhere"))
    with pytest.raises(CatalogueError, match="needs library-of-nowhere, which is not installed: write it") as raised:
        preflight.check_descriptions([catalogue.service(SUITE)])
    assert "make lock && make setup EXTRAS=all" in str(raised.value)


def test_a_server_that_is_not_installed_is_named_with_what_installs_it(
    ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is started: it is an extra."""
    monkeypatch.setattr(catalogue, "missing", lambda names: [one for one in names if one == "granian"])
    check(ports, "smoke", server=["gunicorn", "gunicorn-asgi", "uvicorn"])
    with pytest.raises(PreflightError, match=r"^the server granian is not installed: make setup EXTRAS=all$"):
        check(ports, "smoke", server=["gunicorn", "granian"])


def check(ports: dict[str, int], plan_name: str = "default", **options: Any) -> None:
    read = file.read(file.find(plan_name), options)
    with taken(ports["mine"]):
        preflight.check(read, matrix.cells(read))


def test_a_target_alone_needs_no_port_of_the_suite_but_its_landmarks(ports: dict[str, int]) -> None:
    """Neither a service's that is not measured nor the external API's, whoever has them."""
    alone: dict[str, Any] = {"services": [], "target": [("mine", f"http://127.0.0.1:{ports['mine']}")]}
    with taken(ports[SUITE], ports[catalogue.EXTERNAL]):
        check(ports, **alone)
        check(ports, "transactions", **alone)
    with taken(ports["no_database"]), pytest.raises(PreflightError, match=r"use a plan without .* in rounds\.once"):
        check(ports, **alone)


def test_a_target_that_calls_the_external_api_needs_its_port(ports: dict[str, int], tmp_path: Path) -> None:
    """It is started for a target alone, too."""
    target = f'[[targets]]\nname = "mine"\nurl = "http://127.0.0.1:{ports["mine"]}"\nexternal_api = true\n'
    (tmp_path / "mine.toml").write_text(f'[matrix]\nscenarios = ["synchronize"]\nusers = 1\n{target}')
    with taken(ports[catalogue.EXTERNAL]), pytest.raises(PreflightError, match="external API"):
        check(ports, str(tmp_path / "mine.toml"))


def test_a_service_without_a_database_needs_no_external_api(ports: dict[str, int]) -> None:
    """One with a database does: verification puts the whole contract to it."""
    with taken(ports[catalogue.EXTERNAL]):
        check(ports, "smoke", services=["no_database"])
        with pytest.raises(PreflightError, match=f"port {ports[catalogue.EXTERNAL]} is taken"):
            check(ports, "smoke", services=[SUITE])


def test_operations_that_no_service_has_are_asked_of_targets_only(
    ports: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A landmark is measured under the scenarios that it answers, and does not stand in the way of others."""
    own = catalogue.Scenario("search", "Searches.", ("search",), "Search")
    known = {**catalogue.scenarios(), "search": own}
    monkeypatch.setattr(catalogue, "scenarios", lambda: known)
    text = (
        '[matrix]\nscenarios = ["point_read", "search"]\n[rounds]\nonce = ["no_database"]\n[[targets]]\nname = "mine"\n'
    )
    path = tmp_path / "mine.toml"
    path.write_text(f'{text}url = "http://127.0.0.1:{ports["mine"]}"\n')
    read = file.read(path)
    slugs = [cell.slug for cell in matrix.cells(read)]
    assert slugs == ["mine-point_read", "mine-search", "no_database-point_read"]
    with taken(ports["mine"]):
        preflight.check(read, matrix.cells(read))
    assert checks.left_out(read) == (
        "left out of rounds.once, because it does not answer the requests: no_database under search"
    )
    assert checks.left_out(file.read(file.find("default"))) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operations": ("raed_user",)}, "operations: there is no operation 'raed_user' (did you mean 'read_user'?)"),
        ({"uses": {"synchronise_note": 2}}, "uses: there is no operation 'synchronise_note' (did you mean 'sync"),
        ({"extra_statements": {"read": 1}}, "extra_statements: there is no operation 'read'"),
        (
            {"pipelined": {"lean": Pipelined(("read_mny",), 1, "")}},
            "pipelined: there is no operation 'read_mny' (did you mean 'read_many'?)",
        ),
        (
            {"own": {"pool_polcy": Own("", "")}},
            "own: there is no fact 'pool_polcy' (did you mean 'pool_policy'",
        ),
    ],
)
def test_names_in_a_description_are_those_of_the_contract(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    """A misspelt one would change what verification expects, or explain nothing."""
    preflight.check_descriptions(catalogue.services().values())
    changed = {**catalogue.services(), SUITE: replace(catalogue.service(SUITE), **changes)}
    monkeypatch.setattr(catalogue, "services", lambda: changed)
    with pytest.raises(CatalogueError) as caught:
        preflight.check_descriptions([catalogue.service(SUITE)])
    assert str(caught.value).startswith(f"services/{SUITE}/service.toml: {words}")
