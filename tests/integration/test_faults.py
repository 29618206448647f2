"""Faults that docs/reliability.md lists, caused while a run goes on: signals, a full disk, a restarted PostgreSQL."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import polars as pl
import psutil
import psycopg
import pytest

from bench.measure.fleet import ownership
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.watch import kernel
from bench.plan.matrix import default_setup
from bench.store import samples
from db.address.dsn import Dsn
from db.private import embedded
from suite import catalogue
from suite.errors import BenchError, ServiceError
from tests.integration.checkout import Checkout, copied, rows, wait_for

SERVICE = "asyncpg_async"
SEED = 20261121
SMOKE_S = 32.0  # what the smoke plan takes here
PLAN = """\
[matrix]
scenarios = ["{scenario}"]
services = ["asyncpg_async"]
users = {users}
{matrix}
[load]
warm_up_s = 0.3
measure_s = {measure_s}
{load}
[rounds]
count = {rounds}
ceilings = false
[verdict]
drift = 1.0
strangers = 1.0
steal = 1.0
rate = 1.0
[database]
scale = 0.001
"""
OPEN = 'arrival = "open"\nrate = 100.0\ntimeout_s = 2.0\n'
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what is looked for here")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy with a PostgreSQL of its own that goes on running between runs."""
    stage()
    for made in copied(tmp_path_factory.mktemp("faults") / "checkout"):
        code, printed = made.bench("db", "start")
        assert code == 0, printed
        yield made


def planned(checkout: Checkout, name: str, **values: object) -> tuple[str, ...]:
    """The words of a run of such a plan."""
    path = checkout.folder / f"{name}.toml"
    filled = {"scenario": "point_read", "users": 20, "measure_s": 2.0, "rounds": 1, "matrix": "", "load": ""} | values
    path.write_text(PLAN.format_map(filled))
    return ("run", "--plan", str(path), "--name", name)


def left(checkout: Checkout) -> list[str]:
    """Processes that belong to no server of ours that is meant to go on."""
    return [one for one in checkout.processes() if "postgres" not in one]


def nothing_is_left(checkout: Checkout) -> bool:
    return wait_for(lambda: not left(checkout), 8.0)


@dataclass(frozen=True)
class Running:
    """A run that goes on, as somebody sees it who wants to do it harm."""

    checkout: Checkout
    folder: Path

    def wait_for_window(self, number: int) -> None:
        """Until users are sending in the first attempt of this round, and the window has begun."""
        stream = self.folder / "rounds" / f"{number:02d}" / SERVICE / "samples.bin"
        assert wait_for(lambda: "spawned" in _events(stream), 60), f"round {number}"
        time.sleep(1.0)

    def process(self, word: str) -> psutil.Process:
        """The first process of this checkout with this word in its command line."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get(ownership.MARK, "").endswith(f" {self.checkout.folder}")
                if ours and word in " ".join(process.cmdline()):
                    return process
        raise AssertionError(word)

    def worker(self) -> psutil.Process:
        """The service's process that answers."""
        return self.process("gunicorn").children()[0]


def begun(checkout: Checkout, name: str, **values: object) -> tuple["subprocess.Popen[str]", Running]:
    """Start a run of such a plan."""
    return checkout.start(*planned(checkout, name, **values)), Running(checkout, checkout.results / name)


def _events(stream: Path) -> set[str]:
    with suppress(OSError, BenchError):
        return {mark.event for mark in samples.read_stream(stream)[1]}
    return set()


def kill_service(run: Running) -> None:
    run.process("gunicorn").kill()


def crash_service(run: Running) -> None:
    run.process("gunicorn").send_signal(signal.SIGSEGV)


def kill_worker(run: Running) -> None:
    run.worker().kill()


def stall(run: Running) -> None:
    worker = run.worker()
    worker.suspend()
    time.sleep(1.2)
    worker.resume()


def stop_for_good(run: Running) -> None:
    run.worker().suspend()


def restart_database(run: Running) -> None:
    cluster = embedded.locate(run.checkout.folder)
    running = embedded.running(cluster)
    assert running is not None
    embedded.stop(cluster)
    embedded.start(cluster, detached=True, port=running.port)


def kill_locust(run: Running) -> None:
    run.process("locust").kill()


DISTURBANCES = (kill_service, crash_service, kill_worker, stall, stop_for_good, restart_database, kill_locust)


@dataclass(frozen=True)
class Disturbed:
    """A run that was disturbed in a different way in each round."""

    folder: Path
    code: int
    printed: str

    def why_again(self, disturbance: Callable[[Running], None]) -> str:
        """What the run says of the round that was disturbed so, whose second attempt must have been a good one."""
        assert (self.place(disturbance) / "window.json").exists(), self.printed
        return self.reasons(disturbance, "measured again after")

    def reasons(self, disturbance: Callable[[Running], None], begin: str = "") -> str:
        """What the run says of the round that was disturbed so, beginning with these words."""
        number = DISTURBANCES.index(disturbance) + 1
        [row] = [row for row in rows(self.folder / "summary.csv") if row["operation"] == "all"]
        parts = f"; {row['reasons']}".split("; round ")
        return " ".join(part for part in parts if part.startswith(f"{number}: {begin}"))

    def place(self, disturbance: Callable[[Running], None]) -> Path:
        number = DISTURBANCES.index(disturbance) + 1
        return self.folder / "rounds" / f"{number:02d}" / SERVICE


@pytest.fixture(scope="module")
def disturbed(checkout: Checkout) -> Disturbed:
    """An open load of 100 requests/s, of which each round's first attempt is disturbed."""
    arguments = planned(checkout, "disturbed", rounds=len(DISTURBANCES), load=OPEN, measure_s=3.0)
    process = checkout.start(*arguments)
    run = Running(checkout, checkout.results / "disturbed")
    try:
        for number, disturb in enumerate(DISTURBANCES, 1):
            run.wait_for_window(number)
            disturb(run)
        printed, _ = process.communicate(timeout=60)
    except BaseException:
        process.send_signal(signal.SIGINT)
        print(process.communicate(timeout=20)[0])
        raise
    return Disturbed(run.folder, process.returncode, printed)


@pytest.mark.faults
@linux
@pytest.mark.parametrize(
    ("disturbance", "said"),
    [
        (kill_service, "asyncpg_async ended with exit code -9 (SIGKILL)"),
        (restart_database, "PostgreSQL was restarted at"),
        (kill_locust, "Locust ended with exit code -9"),
    ],
)
def test_a_disturbed_cell_is_told_and_measured_again(
    disturbed: Disturbed, disturbance: Callable[[Running], None], said: str
) -> None:
    """The reason is named, the cell is measured once more with success, and the run goes on to its end."""
    assert disturbed.code in {0, 3}, disturbed.printed
    assert "finished after" in disturbed.printed
    assert "Traceback" not in disturbed.printed
    assert said in disturbed.why_again(disturbance), disturbed.printed
    assert (disturbed.place(disturbance) / "first-attempt").is_dir()


@pytest.mark.faults
@linux
@pytest.mark.parametrize(
    ("disturbance", "said"),
    [
        (crash_service, "asyncpg_async ended with exit code -11 (SIGSEGV)"),
        (kill_worker, "of the service ended; process"),
        (stall, "of the service was stopped for a while"),
        (stop_for_good, "of the service was stopped for a while"),
    ],
)
def test_what_a_service_can_cause_is_invalid_and_not_measured_again(
    disturbed: Disturbed, disturbance: Callable[[Running], None], said: str
) -> None:
    """The reason is named, and the first attempt is the measurement: a service that crashes would get two tries."""
    assert disturbed.code == 3, disturbed.printed
    assert said in disturbed.reasons(disturbance), disturbed.printed
    assert disturbed.reasons(disturbance, "measured again") == ""
    assert not (disturbed.place(disturbance) / "first-attempt").exists()


@pytest.mark.faults
@linux
def test_a_killed_services_end_has_its_time(disturbed: Disturbed) -> None:
    """In seconds since the load was started."""
    assert " s after its load was started" in disturbed.why_again(kill_service)


@pytest.mark.faults
@linux
def test_a_stall_shows_in_the_latencies_of_an_open_load(disturbed: Disturbed) -> None:
    """They count from when requests were due: of 1.2 s without an answer, over 50 requests waited more than 0.5 s."""
    kept = pl.read_parquet(disturbed.place(stall) / "samples.parquet")
    waited_s = (kept["start_ns"] + kept["service_time_ns"] - kept["intended_ns"]) / 1e9
    assert waited_s.max() > 1.0  # type: ignore[operator]  # polars' types know no numbers
    assert (waited_s > 0.5).sum() > 50


@pytest.mark.faults
def test_a_database_that_is_gone_ends_the_run(checkout: Checkout) -> None:
    """It is waited for; then exit code 2, the address without its password, and the round before is kept."""
    cluster = embedded.locate(checkout.folder)
    server = embedded.running(cluster)
    assert server is not None
    process, run = begun(checkout, "gone", rounds=3)
    try:
        run.wait_for_window(2)
        psutil.Process(server.pid).kill()
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()  # it has ended, unless something above went wrong
        process.wait()
        assert checkout.bench("db", "start")[0] == 0
    assert process.returncode == 2, printed
    assert f"127.0.0.1:{server.port}" in printed
    assert server.dsn.password not in printed
    assert "Traceback" not in printed
    assert json.loads((run.folder / "status.json").read_text())["state"] == "partial"
    assert [row["verdict"] for row in rows(run.folder / "summary.csv") if row["operation"] == "all"] == ["UNJUDGED"]
    assert nothing_is_left(checkout)


@pytest.mark.faults
def test_who_answers_in_a_services_place_is_not_taken_for_it(
    stage: Callable[..., None], database: Dsn, users: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody who took the port just after it was found free, and who answers as the service would."""
    setup = default_setup(SERVICE)
    stage(setup)
    try:
        monkeypatch.setattr("bench.measure.fleet.fleet.check_ports", lambda _: None)
        with (
            Fleet(FleetSettings(database.url, users, cpus=()), calls=False) as late,
            pytest.raises(ServiceError, match=f"another program answers on .* in place of {SERVICE}"),
        ):
            late.start({setup: tmp_path / "late.log"})
    finally:
        stage()


@pytest.mark.faults
@linux
def test_a_load_that_is_full_makes_a_floor(checkout: Checkout) -> None:
    """Users who work for 2 ms after each answer fill their CPU long before the service has filled its own."""
    scenario = checkout.folder / "locustfiles" / "point_read.py"
    whole = scenario.read_text()
    call = "self.read_any_user()\n"
    assert whole.count(call) == 1
    work = "end = time.thread_time() + 0.002\n        while time.thread_time() < end:\n            pass\n"
    scenario.write_text(whole.replace(call, f"{call}        import time\n        {work}"))
    try:
        arguments = planned(checkout, "floor")
        plan = Path(arguments[2])  # that work is not their requests' time either, which alone would be INVALID
        plan.write_text(plan.read_text().replace("drift = 1.0\n", "drift = 1.0\naccounting = 1.0\n"))
        code, printed = checkout.bench(*arguments)
    finally:
        scenario.write_text(whole)
    assert code == 0, printed
    [row] = [row for row in rows(checkout.results / "floor" / "summary.csv") if row["operation"] == "all"]
    assert row["verdict"] == "UNJUDGED", printed  # the plan is loose, so that other work here does not matter
    assert "the load's CPU was " in row["reasons"]
    assert "a lower bound" in row["reasons"]
    assert row["bound_by"] == "load"
    assert float(row["throughput_rps"]) < 500


@pytest.mark.faults
def test_failures_and_silence_are_never_ranked(checkout: Checkout) -> None:
    """A pool that is exhausted: failures are counted apart; answers that come after the window: no 0 ms winner."""
    matrix = "pool_size = 2\npool_timeout_s = 0.6\nparameters = {seconds = [3.0]}\n"
    arguments = planned(checkout, "exhausted", scenario="session_sleep", users=[2, 20], measure_s=1.0, matrix=matrix)
    code, printed = checkout.bench(*arguments)
    assert code == 3, printed
    assert "finished after" in printed, printed
    silent, exhausted = (
        row for row in rows(checkout.results / "exhausted" / "summary.csv") if row["operation"] == "all"
    )
    assert "no request ended in the window" in silent["reasons"]
    assert (silent["requests"], silent["latency_p50_ms"]) == ("0", "")
    assert int(exhausted["failures"]) > 10
    assert "requests failed" in exhausted["reasons"]
    assert float(exhausted["throughput_rps"] or 0) < 2
    assert {silent["verdict"], exhausted["verdict"]} == {"INVALID"}
    assert "503" in printed


@contextmanager
def room(folder: Path, size_mb: int) -> Iterator[None]:
    """A small disk in place of a folder."""
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)]
    may = sys.platform == "linux" and os.geteuid() == 0
    if not may or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("a small disk takes root with the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.faults
def test_a_full_disk_stops_the_run_and_keeps_finished_cells(checkout: Checkout) -> None:
    """Somebody fills the disk in the second round: exit code 2, the first round is there, and status.json says why."""
    with room(checkout.results, 400):
        process, run = begun(checkout, "full", rounds=9, measure_s=4.0)
        try:
            run.wait_for_window(2)
            with suppress(OSError), (checkout.results / "filler").open("wb") as file:
                while True:
                    file.write(b"x" * 2**20)
            printed, _ = process.communicate(timeout=60)
        finally:
            process.kill()  # it has ended, unless something above went wrong
            process.wait()
        assert process.returncode == 2, printed
        assert f"the disk of {checkout.results} is full" in printed
        assert "Traceback" not in printed
        status = json.loads((run.folder / "status.json").read_text())
        assert (status["state"], "is full" in status["why"]) == ("partial", True)
        [row] = [row for row in rows(run.folder / "summary.csv") if row["operation"] == "all"]
        assert int(row["rounds"]) == len(list(run.folder.glob(f"rounds/*/{SERVICE}/window.json"))) >= 1
        (checkout.results / "filler").unlink()
        code, printed = checkout.bench("report", "full")
        assert code == 0, printed
    assert nothing_is_left(checkout)


@pytest.mark.faults
def test_a_run_whose_environment_changes_stops(checkout: Checkout) -> None:
    """A package that is installed and a setting that is changed after the first round: exit code 2, both named."""
    process, run = begun(checkout, "drifting", rounds=3, measure_s=1.0)
    installed = checkout.folder / "drift-1.0.dist-info"
    server = embedded.running(embedded.locate(checkout.folder))
    assert server is not None
    try:
        run.wait_for_window(1)
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: drift\nVersion: 1.0\n")
        with psycopg.connect(server.dsn.url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {server.dsn.dbname} SET random_page_cost = 7")
        printed, _ = process.communicate(timeout=60)
        with psycopg.connect(server.dsn.url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {server.dsn.dbname} RESET random_page_cost")
    finally:
        process.kill()  # it has ended, unless something above went wrong
        process.wait()
        shutil.rmtree(installed, ignore_errors=True)
    assert process.returncode == 2, printed
    assert "package drift was not there and is 1.0" in printed
    assert "random_page_cost was " in printed
    assert "Traceback" not in printed
    assert json.loads((run.folder / "status.json").read_text())["state"] == "partial"
    assert rows(run.folder / "summary.csv")


@pytest.mark.faults
@linux
def test_a_second_ctrl_c_kills_what_does_not_end(checkout: Checkout) -> None:
    """A service that is stopped cannot end by itself; a stranger of the same name is not touched."""
    process, run = begun(checkout, "twice", rounds=9)
    run.wait_for_window(1)
    with stranger() as other:
        run.process("locust").suspend()
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=10)
        assert time.monotonic() - asked < 4, printed
        assert other.poll() is None
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    assert nothing_is_left(checkout)
    assert json.loads((run.folder / "status.json").read_text())["state"] == "interrupted"


@contextmanager
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """Somebody else's process whose command line has all our words in it."""
    words = [sys.executable, "-c", "import time; time.sleep(60)", "gunicorn", "locust", "services.worker.Worker"]
    with subprocess.Popen(words) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.faults
@linux
def test_what_a_killed_harness_left_is_ended_by_the_next_start(checkout: Checkout) -> None:
    """A service that was stopped did not hear of its parent's death. The next run says what it ends, and starts."""
    process, run = begun(checkout, "killed", rounds=9)
    run.wait_for_window(1)
    master = run.process("gunicorn")
    master.suspend()
    process.kill()
    process.communicate()
    assert master.status() == psutil.STATUS_STOPPED
    with stranger() as other:
        code, printed = checkout.bench(*planned(checkout, "afterwards", measure_s=1.0))
        assert other.poll() is None
    assert f"ended processes that a killed run (pid {process.pid}) had left: {master.pid}" in printed
    assert "killed had been killed; what it measured is kept" in printed
    assert code == 0, printed
    assert json.loads((run.folder / "status.json").read_text())["state"] == "interrupted"
    assert nothing_is_left(checkout)


@pytest.mark.faults
def test_runs_that_are_cut_off_anywhere_leave_nothing_behind(checkout: Checkout) -> None:
    """The smoke plan at random moments, by SIGINT, SIGTERM or SIGKILL: no process is left, and results/ is readable.

    INTERRUPTIONS is how many; the moments are those of a seed.
    """
    chance = random.Random(SEED)
    ends = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
    for number in range(int(os.environ.get("INTERRUPTIONS", "4"))):
        name, sent, after_s = f"cut-{number}", chance.choice(list(ends)), chance.uniform(0.2, SMOKE_S)
        process = checkout.start("run", "--plan", "smoke", "--name", name)
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        process.send_signal(sent)
        printed, _ = process.communicate(timeout=8)
        told = f"run {number}: {sent.name} after {after_s:.1f} s\n{printed}"
        print(told)
        assert process.returncode in {ends[sent], 0}, told
        assert "Traceback" not in printed, told
        assert nothing_is_left(checkout), f"{left(checkout)}\n{told}"
        readable(checkout, checkout.results / name)


def readable(checkout: Checkout, run: Path) -> None:
    """`bench report` and `bench compare` read it, or say in a line why they cannot."""
    if run.exists():
        assert not list(run.rglob(".*.new")) or json.loads((run / "status.json").read_text())["state"] == "running"
    for words in (("report", run.name), ("compare", run.name, run.name)):
        code, printed = checkout.bench(*words)
        assert "Traceback" not in printed, printed
        # A run that was killed after its first window, but before its tables were written, has a page all the same.
        assert (code, printed.count("error:")) == (1, 1) or code == 0, printed
        assert code == 0 or not (run / "summary.csv").exists(), printed


@pytest.mark.faults
@linux
def test_a_service_that_was_killed_for_memory_is_said_to_be(checkout: Checkout) -> None:
    """Its worker is put in a control group with too little memory, then sent a large body."""
    group = MEMORY_GROUPS / f"faults-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(16 * 2**20))
    except OSError:
        pytest.skip("a memory limit takes root and a control group (v1) that can be written")
    try:
        process, run = begun(checkout, "memory", measure_s=3.0)
        run.wait_for_window(1)
        before = kernel.oom_kills()
        (group / "cgroup.procs").write_text(str(run.worker().pid))
        with suppress(httpx.HTTPError):
            httpx.post(f"{catalogue.service(SERVICE).url}/users", content=b"x" * 100_000_000, timeout=10)
        assert wait_for(lambda: kernel.oom_kills() > before, 5), "the kernel killed nobody"
        printed, _ = process.communicate(timeout=60)
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text().strip(), 5)
        group.rmdir()
    [row] = [row for row in rows(checkout.results / "memory" / "summary.csv") if row["operation"] == "all"]
    assert "meanwhile the kernel killed 1 process for lack of memory" in row["reasons"], printed


def test_too_few_open_files_are_named_with_the_number_needed(checkout: Checkout) -> None:
    """Nothing is started."""
    limited = ("sh", "-c", 'ulimit -n 300; exec "$@"', "sh")
    process = checkout.start(*planned(checkout, "files", users=1000), before=limited)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1, printed
    assert "need 1200 open files in a process and the limit is 300; raise it with `ulimit -Hn 1200`" in printed
    assert not (checkout.results / "files").exists()


def test_too_few_connections_are_named_with_the_arithmetic(checkout: Checkout) -> None:
    """Before any service is started."""
    code, printed = checkout.bench(*planned(checkout, "connections", matrix="pool_size = 500\n"))
    assert code == 1, printed
    assert "may open 500 connections" in printed
    assert "max_connections is" in printed
    assert nothing_is_left(checkout)


@pytest.mark.faults
def test_a_second_run_is_refused_by_the_first(checkout: Checkout) -> None:
    """Two at once on one checkout: the second names the first and is gone at once."""
    first = checkout.start(*planned(checkout, "one"))
    try:
        assert wait_for((checkout.results / "one" / "status.json").exists, 30)
        code, printed = checkout.bench(*planned(checkout, "two"))
        assert code == 1, printed
        assert f"another run is going on in this checkout (pid {first.pid})" in printed
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)
    assert nothing_is_left(checkout)


def listening(of: Mapping[int, str]) -> set[str]:
    """The addresses on which these processes listen."""
    found: set[str] = set()
    for pid in of:
        with suppress(psutil.Error):
            sockets = psutil.Process(pid).net_connections("inet")
            found |= {str(one.laddr[0]) for one in sockets if one.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.faults
@linux
def test_a_run_listens_on_loopback_and_tells_no_secret(checkout: Checkout) -> None:
    """While cells are measured: every socket, every command line; afterwards: everything printed and every file."""
    server = embedded.running(embedded.locate(checkout.folder))
    assert server is not None
    secret = server.dsn.password
    process, run = begun(checkout, "secret")
    run.wait_for_window(1)
    everybody = {one.pid: " ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])}
    ours = {pid: line for pid, line in everybody.items() if str(checkout.folder) in line or _marked(pid, checkout)}
    assert len(ours) >= 4  # harness, gunicorn, its worker, Locust
    assert listening(ours | {server.pid: ""}) == {"127.0.0.1"}
    assert [line for line in everybody.values() if secret in line] == []
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert secret not in printed
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert len(files) > 15
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


def _marked(pid: int, checkout: Checkout) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).environ().get(ownership.MARK, "").endswith(f" {checkout.folder}")
    return False
