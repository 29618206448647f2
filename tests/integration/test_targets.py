"""Services that are not the suite's: an application outside the tree, run by somebody else, beside asyncpg_async."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.analysis.recorded.roles import IDLE, SERVICE, TARGET
from bench.store import recordings
from db import ports
from suite import catalogue
from tests.integration.checkout import Checkout, copied, rows, wait_for
from tests.unit import certificates_of
from tests.unit.certificates_of import Authority

PAGE = (catalogue.CHECKOUT / "docs" / "adding-a-service.md").read_text()
OWN = textwrap.dedent(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0])
# Whatever else runs on the machine: what is looked at here is not how fast anything is.
PLAN = """\
[matrix]
scenarios = ["point_read"]
services = ["asyncpg_async"]
users = 20
[load]
warm_up_s = 0.5
measure_s = 2
[rounds]
count = 2
ceilings = false
[database]
scale = 0.001
[verdict]
strangers = 1
steal = 1
drift = 1
[[targets]]
name = "mine"
title = "An application of ten lines"
url = "http://127.0.0.1:1"
"""
UNKNOWN = (
    "profile", "server", "workers", "pool_size", "parameters", "database_cpu_ms_per_request",
    "statements_per_request", "round_trips_per_request", "transactions_per_request", "connections_peak",
    "idle_in_transaction_peak",
)  # fmt: skip


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project whose database has been started and loaded by hand."""
    stage()
    for one in copied(tmp_path_factory.mktemp("targets") / "checkout"):
        code, printed = one.bench("db", "start")
        assert "bench db url" in printed
        assert code == 0, printed
        code, printed = one.bench("db", "load", "--scale", "0.001")
        assert code == 0, printed
        (one.folder / "beside.toml").write_text(PLAN)
        yield one


@contextmanager
def running(
    checkout: Checkout, folder: Path, application: str = OWN, signed: tuple[Path, Path] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An application as its author would run it: uvicorn, with what `bench db url` prints.

    `signed`: with this certificate and key.
    """
    (folder / "own.py").write_text(application)
    code, printed = checkout.bench("db", "url")
    assert code == 0, printed
    port = ports.free()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "own:app", "--port", str(port), "--no-access-log", *tls_of(signed)],
        cwd=folder,
        env=os.environ | {"DATABASE_URL": printed.strip()},
    )
    url = f"{'https' if signed else 'http'}://127.0.0.1:{port}"
    try:
        assert wait_for(lambda: ports.answers(port), 20)
        yield url, process
    finally:
        process.kill()
        process.wait()


def tls_of(signed: tuple[Path, Path] | None) -> list[str]:
    """The options of uvicorn."""
    return ["--ssl-certfile", str(signed[0]), "--ssl-keyfile", str(signed[1])] if signed else []


def run(checkout: Checkout, name: str, *arguments: str) -> tuple[int, str]:
    return checkout.bench("run", "--plan", "beside.toml", "--name", name, *arguments, timeout_s=300)


@pytest.mark.slow
def test_what_an_application_answers_is_surveyed(checkout: Checkout, tmp_path: Path) -> None:
    """Operation by operation, and which scenarios can be measured; 3 where there is none, 1 where nobody answers."""
    words = ("verify", "--scale", "0.001", "--target")
    with running(checkout, tmp_path) as (url, _):
        code, printed = checkout.bench(*words, f"mine={url}")
        assert code == 0, printed
        lines = {line.split()[0]: line.strip() for line in printed.splitlines() if line.split()}
        assert lines["read_user"].endswith("as the contract says")
        assert "404" in lines["list_users"]
        assert "scenarios that can be measured for mine: point_read\n" in printed
    with running(checkout, tmp_path, "from fastapi import FastAPI\napp = FastAPI()\n") as (url, _):
        code, printed = checkout.bench(*words, f"mine={url}")
        assert code == 3, printed
        assert "measured for mine: none" in printed
    for bad, said in ((f"mine={url}", "mine does not answer"), ("mine=ftp://x", "--target, url"), ("x", "NAME=URL")):
        code, printed = checkout.bench(*words, bad)
        assert code == 1, printed
        assert said in printed
        assert "Traceback" not in printed


@pytest.mark.release
def test_an_application_of_ones_own_stands_beside_asyncpg(checkout: Checkout, tmp_path: Path) -> None:
    """A row with what is known of it, a ratio to the service, a page; and it runs on as it did before."""
    with running(checkout, tmp_path) as (url, process):
        code, printed = run(checkout, "beside", "--target", f"mine={url}")
        assert code == 0, printed
        assert process.poll() is None
        assert httpx.get(f"{url}/users/1", trust_env=False).json()["id"] == 1
    assert "target mine answers read_user as the contract says (3 checks)" in printed
    assert "what it costs in the database was not counted" in printed
    folder = checkout.results / "beside"
    found = {row["service"]: row for row in rows(folder / "summary.csv") if row["operation"] == "all"}
    assert set(found) == {"asyncpg_async", "mine"}
    for row in found.values():
        assert (row["rounds"], row["failures"]) == ("2", "0")
        assert row["verdict"] == "UNJUDGED"
        assert float(row["throughput_rps"]) > 0
        assert float(row["load_cpu_ms_per_request"]) > 0
        assert float(row["service_cpu_ms_per_request"]) > 0.05
        assert float(row["service_rss_peak_mb"]) > 20
    assert {name: found["mine"][name] for name in UNKNOWN} == dict.fromkeys(UNKNOWN, "")
    assert "" not in {found["asyncpg_async"][name] for name in UNKNOWN if name != "transactions_per_request"}
    ratios = [row for row in rows(folder / "comparison.csv") if row["operation"] == "all"]
    [ratio] = [row for row in ratios if row["metric"] == "throughput_rps"]
    [cpu] = [row for row in ratios if row["metric"] == "service_cpu_ms_per_request"]
    assert (cpu["rounds"], cpu["ratio"]) == ("0", "")
    assert {ratio["baseline"], ratio["candidate"]} == {"asyncpg_async", "mine"}
    assert ratio["rounds"] == "2"
    assert (folder / "mine_stats.csv").exists()
    page = (folder / "report.html").read_text()
    assert f"mine (An application of ten lines): a target at {url}" in page
    assert "as seen on the port, and are not compared" in page
    assert {row["service"] for row in rows(folder / "parity.csv")} == {"asyncpg_async"}
    code, again = checkout.bench("report", "beside")
    assert code == 0, again
    assert {row["service"] for row in rows(folder / "summary.csv")} == {"asyncpg_async", "mine"}
    code, printed = checkout.bench("compare", "beside", "beside")
    assert code == 0, printed
    assert "mine" in printed


def with_command(folder: Path, name: str, *, slices: int = 1) -> tuple[int, str]:
    """A plan beside the application, which starts it; the port, and the plan's path."""
    (folder / "own.py").write_text(OWN)
    port = ports.free()
    command = f"uvicorn own:app --port {port} --no-access-log"
    plan = PLAN.replace("http://127.0.0.1:1", f"http://127.0.0.1:{port}").replace(
        "[rounds]", f"[rounds]\nslices = {slices}"
    )
    (folder / f"{name}.toml").write_text(f"{plan}command = \"sh -c '{command}; true'\"\n")
    return port, str(folder / f"{name}.toml")


@pytest.mark.slow
@pytest.mark.parametrize("slices", [pytest.param(1, marks=pytest.mark.release), 4])
def test_an_application_that_the_suite_starts_is_measured_as_a_service(
    checkout: Checkout, tmp_path: Path, slices: int
) -> None:
    """In a window, and in turns: its CPU time and memory are in the summary and in comparisons, and nothing is left."""
    name = f"started-{slices}"
    port, plan = with_command(tmp_path, name, slices=slices)
    code, printed = checkout.bench("run", "--plan", plan, "--name", name, timeout_s=300)
    assert code in {0, 3}, printed  # on a busy machine a cell may be INVALID, and these facts still hold
    assert "target mine answers read_user as the contract says (3 checks)" in printed
    assert "one window a round" not in printed
    assert not ports.answers(port)
    folder = checkout.results / name
    found = {row["service"]: row for row in rows(folder / "summary.csv") if row["operation"] == "all"}
    for row in found.values():
        assert (row["rounds"], row["failures"]) == ("2", "0")
        assert float(row["service_cpu_ms_per_request"]) > 0.05
        assert float(row["service_rss_peak_mb"]) > 20
    assert {name: found["mine"][name] for name in UNKNOWN} == dict.fromkeys(UNKNOWN, "")
    [cpu] = [
        row
        for row in rows(folder / "comparison.csv")
        if (row["operation"], row["metric"]) == ("all", "service_cpu_ms_per_request")
    ]
    assert cpu["rounds"] == "2"
    for number in (1, 2):
        recording = recordings.read(folder / "rounds" / f"{number:02d}" / "mine")
        assert {SERVICE, IDLE} <= set(recording.readings[-1].roles)  # the other service waits
        assert TARGET not in recording.readings[-1].roles
        assert bool(recording.turns) == (slices > 1)
        log = (folder / "rounds" / f"{number:02d}" / "mine" / "service.log").read_text()
        assert log.count("Uvicorn running") == 1
    page = (folder / "report.html").read_text()
    assert "started with" in page
    # The run's own copy of the plan starts it in the same folder.
    code, printed = checkout.bench("run", "--plan", f"results/{name}/plan.toml", "--dry-run")
    assert code == 0, printed
    planned = json.loads((folder / "plan.json").read_text())["plan"]["targets"]
    assert [one["folder"] for one in planned] == [str(tmp_path)]


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.release)])
def test_an_application_ends_with_the_harness(checkout: Checkout, tmp_path: Path, ending: signal.Signals) -> None:
    """After Ctrl-C at once. After kill -9 the next run ends what is left, also where a shell had started it."""
    name = f"ended-{ending.name.lower()}"
    port, plan = with_command(tmp_path, name)
    bench = checkout.start("run", "--plan", plan, "--name", name)
    assert wait_for((checkout.results / name / "rounds" / "01" / "mine" / "samples.bin").exists, 90)
    assert ports.answers(port)
    bench.send_signal(ending)
    printed, _ = bench.communicate(timeout=30)
    if ending is signal.SIGINT:
        assert bench.returncode == 130, printed
    else:
        code, printed = checkout.bench("run", "--resume", name, timeout_s=300)
        assert code in {0, 3}, printed
    assert not ports.answers(port)


@pytest.mark.slow
def test_a_port_that_is_taken_is_refused_before_anything_starts(checkout: Checkout, tmp_path: Path) -> None:
    """With the process that has it, and the remedies."""
    port, plan = with_command(tmp_path, "taken")
    with socket.create_server(("127.0.0.1", port)):
        code, printed = checkout.bench("run", "--plan", plan, "--name", "taken")
    assert code == 1, printed
    assert f"port {port} is taken by" in printed
    assert "give target mine another port" in printed
    assert not (checkout.results / "taken").exists()


@pytest.mark.release
def test_a_target_that_dies_costs_its_own_cell_only(checkout: Checkout, tmp_path: Path) -> None:
    """INVALID, by name and address; the other cell is measured, and the run ends with 3."""
    with running(checkout, tmp_path) as (url, process):
        folder = checkout.results / "dying"
        bench = checkout.start(
            "run", "--plan", "beside.toml", "--name", "dying", "--rounds", "1", "--target", f"mine={url}"
        )  # fmt: skip
        assert wait_for((folder / "rounds" / "01" / "mine" / "samples.bin").exists, 60)
        process.send_signal(signal.SIGKILL)
        printed, _ = bench.communicate(timeout=150)
    assert bench.returncode == 3, printed
    found = {row["service"]: row for row in rows(folder / "summary.csv") if row["operation"] == "all"}
    assert found["mine"]["verdict"] == "INVALID"
    assert f"target mine does not answer on {url}" in found["mine"]["reasons"]
    assert found["asyncpg_async"]["verdict"] == "UNJUDGED"
    assert "Traceback" not in printed


SCENARIO = '''\
"""The first user, over and over."""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("first_user",)


class First(ServiceUser):
    @task
    def first(self) -> None:
        self.call("first_user", "GET", "/users/1", expect={"id": 1})
'''


@pytest.mark.release
def test_a_target_alone_takes_a_scenario_of_its_own(checkout: Checkout, tmp_path: Path) -> None:
    """With `--services ""`; a service of the suite does not answer what the contract does not have."""
    (checkout.folder / "locustfiles" / "first.py").write_text(SCENARIO)
    with running(checkout, tmp_path) as (url, _):
        own = ("--scenarios", "first", "--rounds", "1", "--target", f"mine={url}")
        code, printed = run(checkout, "alone", "--services", "", *own)
        assert code == 0, printed
        assert "its own operations (first_user) cannot be verified" in printed
        summary = rows(checkout.results / "alone" / "summary.csv")
        assert {(row["service"], row["operation"]) for row in summary} == {("mine", "all"), ("mine", "first_user")}
        code, printed = run(checkout, "both", *own)
    assert code == 1, printed
    assert "scenario first calls first_user" in printed


@pytest.mark.release
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SELECT *": "SELECT id, 'Anybody' AS name, email, created_at"}, ["user 1 (GET /users/1)", "Anybody"]),
        ({" -> User": "", "User(**await": "dict(await"}, ["times end in Z"]),
        ({"/users/": "/people/"}, ["expected status 200, got status 404"]),
    ],
)
def test_a_target_that_answers_wrongly_is_not_measured(
    checkout: Checkout, tmp_path: Path, change: dict[str, str], words: list[str]
) -> None:
    """Exit code 3, with name, address, question and both answers."""
    application = OWN
    for right, wrong in change.items():
        application = application.replace(right, wrong)
    with running(checkout, tmp_path, application) as (url, _):
        name = f"wrong-{url.rpartition(':')[2]}"
        code, printed = run(checkout, name, "--target", f"mine={url}")
    assert code == 3, printed
    for word in (f"verification of target mine on {url} failed; nothing was measured", *words):
        assert word in printed
    assert not (checkout.results / name / "summary.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["target mine does not answer on http://127.0.0.1:1 (Connection refused)", "--target mine=URL"]),
        (("--target", "mine=127.0.0.1:9000"), ["--target", "'127.0.0.1:9000'", "http://host:port"]),
        (("--target", "http://127.0.0.1:9000"), ["is not a target", "NAME=URL"]),
        (("--target", "asyncpg_async=http://127.0.0.1:9000"), ["'asyncpg_async' has the name of a service"]),
        (("--target", "a/b=http://127.0.0.1:9000"), ["'a/b=http://127.0.0.1:9000'", "NAME=URL"]),
        (("--target", "-a=http://127.0.0.1:9000"), ["--target, name", "'-a'"]),
    ],
)
def test_a_target_that_cannot_be_used_is_refused_before_anything_starts(
    checkout: Checkout, arguments: tuple[str, ...], words: list[str]
) -> None:
    """Exit code 1 and one message."""
    code, printed = run(checkout, "refused", *arguments)
    assert code == 1, printed
    for word in words:
        assert word in printed
    assert printed.count("error:") == 1
    assert "Traceback" not in printed


@pytest.fixture
def own_authority(tmp_path: Path) -> Authority:
    """One that no system knows."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    (tmp_path / "authority").mkdir()
    return certificates_of.authority(tmp_path / "authority")


def failures(checkout: Checkout, name: str) -> tuple[int, int]:
    """How many requests a run made of its only target, and how many of them failed."""
    [row] = [row for row in rows(checkout.results / name / "summary.csv") if row["operation"] == "all"]
    return int(row["requests"]), int(row["failures"])


MEASURED = {0, 3}  # on a busy machine a cell may be INVALID, and these facts still hold
ALONE = ("--services", "", "--rounds", "1", "--measure", "1")


@pytest.mark.slow
def test_https_with_an_authority_of_ones_own(checkout: Checkout, tmp_path: Path, own_authority: Authority) -> None:
    """Verified and measured where the authority is given, by option or variable; refused with the remedy elsewhere."""
    with running(checkout, tmp_path, signed=own_authority.signed()) as (url, _):
        target, given = ("--target", f"mine={url}"), ("--ca-file", str(own_authority.file))
        for words in (("verify", "--scale", "0.001"), ("run", "--plan", "beside.toml", "--name", "distrusted", *ALONE)):
            code, printed = checkout.bench(*words, *target)
            assert code == 1, printed
            assert f"target mine on {url}: its certificate cannot be verified (unknown authority" in printed
            assert "--ca-file FILE" in printed
            assert printed.count("error:") == 1
        assert not (checkout.results / "distrusted").exists()
        code, printed = run(checkout, "distrusted", *ALONE, *target, "--ca-file", "nowhere.pem")
        assert code == 1, printed
        assert "--ca-file: nowhere.pem cannot be read" in printed
        code, printed = checkout.bench("verify", "--scale", "0.001", *target, *given)
        assert code == 0, printed
        assert "scenarios that can be measured for mine: point_read\n" in printed
        code, printed = run(checkout, "by-option", *ALONE, *target, *given)
        assert code in MEASURED, printed
        shutil.copy(own_authority.file, checkout.folder / "here.pem")
        variable = ("run", "--plan", "beside.toml", "--name", "by-variable", *ALONE, *target)
        code, printed = checkout.bench(*variable, SSL_CERT_FILE="here.pem", HTTPS_PROXY="http://127.0.0.1:1")
        assert code in MEASURED, printed
    for name in ("by-option", "by-variable"):
        requests, failed = failures(checkout, name)
        assert requests > 50
        assert failed == 0


@pytest.mark.release  # CI has too little time
def test_https_of_an_application_that_the_suite_starts(
    checkout: Checkout, tmp_path: Path, own_authority: Authority
) -> None:
    """It answers first, and then its certificate is looked at."""
    port, plan = with_command(tmp_path, "secured")
    words = " ".join(tls_of(own_authority.signed()))
    text = Path(plan).read_text().replace("http://", "https://").replace("--no-access-log", f"--no-access-log {words}")
    Path(plan).write_text(text)
    code, printed = checkout.bench("run", "--plan", plan, "--name", "secured", *ALONE)
    assert code == 1, printed
    assert f"target mine on https://127.0.0.1:{port}: its certificate cannot be verified" in printed
    assert not (checkout.results / "secured").exists()
    given = ("--ca-file", str(own_authority.file))
    code, printed = checkout.bench("run", "--plan", plan, "--name", "secured", *ALONE, *given)
    assert code in MEASURED, printed
    assert failures(checkout, "secured")[1] == 0
    assert not ports.answers(port)


@pytest.mark.release  # CI has too little time
def test_workers_elsewhere_get_the_authority_from_their_master(
    checkout: Checkout, tmp_path: Path, own_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed command is enough, in any folder and without the file. With a variable it says what it needs."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with running(checkout, tmp_path, signed=own_authority.signed()) as (url, _):
        distributed = ("--expect-workers", "1", "--load-workers", "0", *ALONE, "--target", f"mine={url}")
        for name, more, variables in (
            ("by-file", ("--ca-file", str(own_authority.file)), {}),
            ("by-path", (), {"SSL_CERT_FILE": str(own_authority.file)}),
        ):
            bench = checkout.start("run", "--plan", "beside.toml", "--name", name, *distributed, *more, **variables)
            assert bench.stdout
            printed = ""
            for line in bench.stdout:
                printed += line
                if "(trap exit" in line:
                    break
            else:
                raise AssertionError(printed)
            assert (f"SSL_CERT_FILE={own_authority.file} .venv/bin/locust" in line) is bool(variables)
            assert variables or "SSL_CERT" not in line
            log = tmp_path / f"{name}.log"
            loop = line.strip().replace(".venv/bin/locust", f"{sys.executable} -m locust")
            worker = subprocess.Popen(
                ["bash", "-c", loop], cwd=tmp_path / "elsewhere", start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(checkout.folder)},
                stdout=log.open("w"), stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                rest = bench.stdout.read()  # what it had read ahead is lost to `communicate`
                bench.wait(10)
            finally:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
                bench.kill()
            assert bench.returncode in MEASURED, printed + rest + log.read_text()
            requests, failed = failures(checkout, name)
            assert requests > 50
            assert failed == 0
            assert ("workers get its certificates from here" in " ".join(rest.split())) is bool(variables)


COMPRESSING = (
    OWN
    + """

import gzip

from fastapi import Response


@app.middleware("http")
async def compress(request, call_next):
    answer = await call_next(request)
    body = gzip.compress(b"".join([part async for part in answer.body_iterator]))
    return Response(body, answer.status_code, {"content-encoding": "gzip", "content-type": "application/json"})
"""
)


REDIRECTING = (
    OWN
    + """

from fastapi.middleware.httpsredirect import HTTPSRedirectMiddleware

app.add_middleware(HTTPSRedirectMiddleware)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("application", "exit_code", "words"),
    [
        (COMPRESSING, 3, "compressed body (Content-Encoding: gzip), although requests ask for none: switch that off"),
        (
            OWN.replace("/users/{user_id}", "/users/{user_id}/"),
            1,
            "answers GET /users/1 with 307 to http://127.0.0.1:",
        ),
        (
            REDIRECTING,
            1,
            "give that address (https://127.0.0.1:",
        ),
    ],
)
def test_what_the_load_could_not_use_is_refused_by_name(
    checkout: Checkout, tmp_path: Path, application: str, exit_code: int, words: str
) -> None:
    """Before any load, with the remedy."""
    with running(checkout, tmp_path, application) as (url, _):
        code, printed = run(checkout, "unusable", *ALONE, "--target", f"mine={url}")
    assert code == exit_code, printed
    assert words in printed
    assert not (checkout.results / "unusable" / "summary.csv").exists()


@pytest.mark.slow
def test_without_a_database_there_is_no_address_to_print(checkout: Checkout) -> None:
    """The message says how to get one. The last test here: it stops the database."""
    assert checkout.bench("db", "stop")[0] == 0
    code, printed = checkout.bench("db", "url")
    assert code == 1
    assert "bench db start" in printed
