"""A load spread over several processes: started here, or joined by hand as from other machines."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bench.analysis.recorded import load_workers, windows
from bench.store import samples
from suite import catalogue
from suite.service import Service
from tests.integration.checkout import Checkout, copied, rows, wait_for

# Whatever else this machine does: what is tested is whose users ran, and what was lost of them.
PLAN = """
[matrix]
scenarios = ["point_read"]
services = ["asyncpg_async"]
users = 20
[load]
warm_up_s = 1.0
[rounds]
count = 1
ceilings = false
[verdict]
accounting = 1.0
steal = 1.0
strangers = 1.0
drift = 1.0
drift_p = 1e-9
clock_jump_s = 10.0
"""
QUICK = ("run", "--plan", "workers.toml")
RECORDED = re.compile(r"(\d+) requests recorded by this worker")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project for this module, with the services' ports free."""
    stage()
    for found in copied(tmp_path_factory.mktemp("workers") / "checkout"):
        (found.folder / "workers.toml").write_text(PLAN)
        yield found


def summary(run: Path) -> dict[str, str]:
    [row] = [row for row in rows(run / "summary.csv") if row["operation"] == "all"]
    return row


def workers_of(checkout: Checkout) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "--worker" in words and any(str(checkout.folder) in word for word in words):
            found.append(process)
    return found


@pytest.mark.slow
def test_workers_joined_by_hand_leave_the_samples_that_they_counted(
    tmp_path: Path, services: tuple[Service, ...]
) -> None:
    """A master and two plain workers, told nothing but where it is: to the request, what each worker had recorded."""
    assert services
    stream, locust = tmp_path / "samples.bin", [sys.executable, "-m", "locust"]
    master = [
        *locust, "-f", str(catalogue.scenario("point_read").path), "--headless", "--users", "21", "--spawn-rate", "100",
        "--dataset-users", "1000", "--service", "no_database", "--samples", str(stream), "--warm-up-s", "0.5",
        "--measure-s", "2", "--stop-timeout", "5", "--only-summary", "--json-file", str(tmp_path / "locust"),
        "--master", "--master-bind-host", "127.0.0.1", "--expect-workers", "2",
    ]  # fmt: skip
    worker = [*locust, "--worker", "-f", "-", "--master-host", "127.0.0.1"]
    logs = [tmp_path / f"{number}.log" for number in range(2)]
    by_hand = [
        subprocess.Popen(
            worker, cwd=tmp_path, stdin=subprocess.DEVNULL, stderr=log.open("w"), stdout=subprocess.DEVNULL
        )
        for log in logs
    ]
    try:
        answer = subprocess.run(master, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
        assert answer.returncode == 0, answer.stderr
        assert [process.wait(10) for process in by_hand] == [0, 0]
    finally:
        for process in by_hand:
            process.kill()
    recorded = [int(RECORDED.findall(log.read_text())[0]) for log in logs]
    frame, marks = samples.read_stream(stream)
    assert len(frame) == sum(recorded)
    assert min(recorded) > 100
    assert len(frame) == sum(entry["num_requests"] for entry in json.loads((tmp_path / "locust.json").read_text()))
    of_them = load_workers.of_marks(marks, windows.window_of(marks, 0.5, 2))
    assert sorted(one.users for one in of_them) == [10, 11]
    assert all(one.lost_s is None and one.joined_s is None and one.clock_off_s == 0 for one in of_them)


@pytest.mark.release
def test_a_run_is_spread_over_two_processes(checkout: Checkout) -> None:
    """All users run, ten on each; both processes count as the load; nothing is left."""
    code, printed = checkout.bench(*QUICK, "--measure", "4", "--load-workers", "2", "--name", "two", timeout_s=180)
    assert code == 0, printed
    assert "2 of 2 load workers joined" in printed
    run = checkout.results / "two"
    assert (summary(run)["verdict"], summary(run)["users"]) == ("UNJUDGED", "20")
    facts = json.loads((run / "rounds/01/asyncpg_async/window.json").read_text())
    of_them = facts["evidence"]["load_workers"]
    assert [one["users"] for one in of_them] == [10, 10]
    assert all(0 < one["cpu_share"] < 1 for one in of_them)
    # The master's is in the role's, too.
    assert facts["evidence"]["machine"]["cpu_s"]["load"] >= 0.8 * sum(one["cpu_share"] for one in of_them) * 4
    assert checkout.wait_until_empty() == []


@pytest.mark.faults
def test_a_worker_that_is_killed_makes_the_cell_invalid(checkout: Checkout) -> None:
    """In the first attempt and in the one that follows: INVALID, naming the worker and when it was last heard of."""
    name = "killed"
    stream = checkout.results / name / "rounds/01/asyncpg_async/samples.bin"
    process = checkout.start(*QUICK, "--measure", "6", "--load-workers", "2", "--name", name)
    try:
        for _ in range(2):
            assert wait_for(lambda: stream.exists() and b'"spawned"' in stream.read_bytes(), 120)
            time.sleep(2)
            workers_of(checkout)[0].send_signal(signal.SIGKILL)
            assert wait_for(lambda: not stream.exists(), 90)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 3, printed
    row = summary(checkout.results / name)
    assert row["verdict"] == "INVALID"
    assert re.search(r"1 of 2 load workers lost: \S+-[01], last heard of \d+\.\d s into the window", row["reasons"])
    assert checkout.wait_until_empty() == []


@pytest.mark.release
def test_a_loop_of_plain_workers_serves_every_cell(checkout: Checkout) -> None:
    """The printed command, started once, reaches the address that was asked for and no other; Ctrl-C ends it."""
    two = ("--services", "asyncpg_async,no_database", "--measure", "2")
    process = checkout.start(*QUICK, *two, "--expect-workers", "1", "--bind-host", "127.0.0.2", "--name", "by-hand")
    assert process.stdout
    loop = next(line.strip() for line in process.stdout if "while" in line)
    assert "--master-host 127.0.0.2" in loop
    loop = loop.replace(".venv/bin/locust", f"{sys.executable} -m locust")
    by_hand = subprocess.Popen(["bash", "-c", loop], cwd=checkout.folder, start_new_session=True)
    try:
        printed, _ = process.communicate(timeout=150)
        cells = list((checkout.results / "by-hand").glob("rounds/01/*/window.json"))
        assert len(cells) == 2, printed
        assert "1 of 1 load workers joined" in printed
        for cell in cells:
            [worker] = json.loads(cell.read_text())["evidence"]["load_workers"]
            assert worker["users"] == 20
        assert by_hand.poll() is None
        for one in (psutil.Process(by_hand.pid), *psutil.Process(by_hand.pid).children(recursive=True)):
            one.send_signal(signal.SIGINT)
        by_hand.wait(20)
    finally:
        process.kill()
        for one in psutil.Process(by_hand.pid).children(recursive=True) if by_hand.poll() is None else ():
            one.kill()
        by_hand.kill()
    assert checkout.wait_until_empty() == []


@pytest.mark.release
def test_waiting_for_workers_can_be_interrupted(checkout: Checkout) -> None:
    """Exit code 130 within seconds; neither master nor services are left."""
    process = checkout.start(*QUICK, "--expect-workers", "2", "--name", "lonely")
    log = checkout.results / "lonely/rounds/01/asyncpg_async/locust.log"
    try:
        assert wait_for(log.exists, 90)
        time.sleep(3)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, printed
    assert time.monotonic() - began < 10
    assert "--master-host 127.0.0.1 --master-port 5557" in printed
    assert "everything listens on 127.0.0.1 only" in printed
    assert checkout.wait_until_empty() == []


@pytest.mark.release
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--load-workers", "-1"), ["--load-workers", "-1"]),
        (("--load-workers", "0"), ["load.workers", "sends nothing"]),
        (("--bind-host", "192.0.2.7"), ["--bind-host 192.0.2.7", "--expect-workers"]),
        (("--bind-host", "192.0.2.7", "--expect-workers", "1"), ["cannot listen on '192.0.2.7'"]),
    ],
)
def test_bad_input_is_one_message(checkout: Checkout, arguments: tuple[str, ...], words: list[str]) -> None:
    """Exit code 1, before anything is started."""
    code, printed = checkout.bench(*QUICK, *arguments)
    assert code == 1, printed
    assert all(word in printed for word in words), printed
    assert (printed.count("error:"), "Traceback" in printed) == (1, False)


@pytest.mark.slow
def test_a_taken_master_port_is_named_before_anything_starts(checkout: Checkout) -> None:
    """It matters to a load of several processes only."""
    with socket.create_server(("127.0.0.1", 5557)):
        code, printed = checkout.bench(*QUICK, "--load-workers", "2")
    assert code == 1
    assert "port 5557 is taken by" in printed
    assert "--load-workers 1" in printed
    assert checkout.processes() == []
