"""Open and batch loads, and loads of several processes, against a real server: what the sample stream holds of them."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import polars as pl
import pytest

from bench.store import samples
from suite import catalogue
from suite.records import MISSED
from suite.service import Service

USER_1 = b'{"id":1,"name":"Olga Fischer","email":"user1@example.com","created_at":"2024-04-27T02:58:23Z"}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Locust runs, away from the project's own configuration."""
    return tmp_path_factory.mktemp("load")


def ran(folder: Path, *options: str, users: int = 20) -> tuple[pl.DataFrame, int]:
    """Samples of one run against no_database, and how many requests Locust itself counted."""
    stream, counted = folder / "samples.bin", folder / "locust"
    command = [
        sys.executable, "-m", "locust", "-f", str(catalogue.scenario("point_read").path), "--headless",
        "--users", str(users), "--spawn-rate", "100", "--dataset-users", "1000", "--service", "no_database",
        "--samples", str(stream), "--warm-up-s", "0.5", "--measure-s", "1.5", "--stop-timeout", "5",
        "--only-summary", "--json-file", str(counted), *options,
    ]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "BENCH_", "DATASET_"))}
    answer = subprocess.run(
        command,
        cwd=folder,
        env=kept | {"HOME": str(folder), "LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP": "20"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    frame, marks = samples.read_stream(stream)
    measured = [] if "batch" in options else ["measuring", "draining"]
    assert [mark.event for mark in marks if not mark.worker] == ["spawned", *measured, "stopping", "ended"]
    assert marks[-1].begun == frame.filter(pl.col("error") != MISSED).height
    statistics = json.loads(counted.with_suffix(".json").read_text())
    return frame, sum(entry["num_requests"] for entry in statistics)


@pytest.mark.slow
def test_an_open_load_arrives_at_its_rate_whatever_the_answers(folder: Path, services: tuple[Service, ...]) -> None:
    """200 arrivals a second for 2.25 s (the window and its tail), evenly spaced; none is sent before it is due."""
    assert services
    frame, counted = ran(folder, "--arrival", "open", "--rate", "200")
    sent = frame.filter(pl.col("error") == "")
    assert len(sent) == counted
    assert len(frame) - len(sent) <= 1  # due in the very moment of the stop
    assert len(frame) == pytest.approx(450, abs=20)
    gaps_ns = frame["intended_ns"].sort().diff().drop_nulls()
    assert gaps_ns.min() == gaps_ns.max() == 5_000_000
    assert (frame["start_ns"] >= frame["intended_ns"]).all()


@pytest.mark.slow
def test_arrivals_that_nobody_can_send_are_counted_as_missed(folder: Path, services: tuple[Service, ...]) -> None:
    """Two users cannot send 100,000 requests a second: what was due is either answered, late, or missed."""
    assert services
    bounds = "--drain-s", "0.5", "--warm-up-most-s", "1"
    frame, counted = ran(folder, "--arrival", "open", "--rate", "100000", *bounds, users=2)
    missed = frame.filter(pl.col("error") == MISSED)
    assert len(missed) > 0
    assert len(frame) == counted + len(missed)
    late_ms = (frame["start_ns"] - frame["intended_ns"]).max()
    assert isinstance(late_ms, int)
    assert late_ms > 500_000_000


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["one process", "two"])
def test_a_batch_is_sent_whole_and_then_ends(
    folder: Path, services: tuple[Service, ...], processes: tuple[str, ...]
) -> None:
    """51 requests due at once; the run ends by itself when the last is answered."""
    assert services
    # Of seven users one of two workers has four: 51 requests are 29 and 22.
    frame, counted = ran(folder, "--arrival", "batch", "--arrivals", "51", *processes, users=7)
    assert len(frame) == counted == 51
    times = frame["intended_ns"].to_list()
    assert max(times) - min(times) < 100_000_000


@pytest.mark.slow
def test_two_processes_leave_the_samples_that_they_counted(folder: Path, services: tuple[Service, ...]) -> None:
    """To the request, and on one clock."""
    assert services
    frame, counted = ran(folder, "--processes", "2")
    assert len(frame) == counted > 100
    assert (frame["service_time_ns"] > 0).all()
    times = frame["start_ns"].to_list()
    # Workers report every three seconds, so the master knows that late that the window's requests have ended.
    assert 2.0 < (max(times) - min(times)) / 1e9 < 7.0


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["one process", "two"])
def test_reconnects_are_counted(folder: Path, processes: tuple[str, ...]) -> None:
    """A server ends connections after every fifth answer, without a word: all but the first connects are reconnects."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(USER_1), USER_1)
    connects = 0

    def serve(connection: socket.socket) -> None:
        with connection:
            for _ in range(5):
                if not connection.recv(65_536):
                    return
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept() -> None:
            nonlocal connects
            with suppress(OSError):  # closed at the end
                while True:
                    connection, _ = listener.accept()
                    connects += 1
                    Thread(target=serve, args=(connection,), daemon=True).start()

        Thread(target=accept, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        frame, counted = ran(folder, "--host", url, "--dataset-users", "1", *processes)
        listener.shutdown(socket.SHUT_RDWR)
    _, marks = samples.read_stream(folder / "samples.bin")
    assert len(frame) == counted > 100
    assert frame["error"].unique().to_list() == [""]
    assert marks[-1].reconnects == connects - 20 > 10


def test_more_users_than_open_files_are_refused(folder: Path) -> None:
    """Before anything is sent, with the numbers and the remedy."""
    command = [
        "bash", "-c", 'ulimit -n 512 && exec "$@"', "bash", sys.executable, "-m", "locust",
        "-f", str(catalogue.scenario("point_read").path), "--headless", "--users", "400", "--run-time", "1s",
    ]  # fmt: skip
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert "400 users in one process need 600 open files and the limit is 512" in answer.stderr
    assert "ulimit -Hn 600" in answer.stderr
    assert "Traceback" not in answer.stderr
