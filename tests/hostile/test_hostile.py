"""Services made to get a wrong number published. Each is measured by a whole run, and its own log has the truth.

The promise: a number is right, or its cell is INVALID, or it says how many requests were unfinished. Never
VALID and wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile import targets, truth
from tests.hostile.truth import Truth
from tests.integration.checkout import Checkout, copied, rows

pytestmark = pytest.mark.hostile

RIGHT, UNFINISHED, INVALID = "right", "unfinished", "INVALID"
# What each may become. Where there are several, the window decides; that none of them is wrong is the promise.
CLOSED = {
    "late.slow_tail": {RIGHT, UNFINISHED, INVALID},
    "late.newest_first": {INVALID},
    "late.pause_at_end": {RIGHT, UNFINISHED, INVALID},
    "late.stalls": {RIGHT, UNFINISHED, INVALID},
    "late.slow_many": {RIGHT, UNFINISHED, INVALID},
    "late.slow_ids": {RIGHT},
    "broken.never_answers": {INVALID},
    "broken.held_connection": {RIGHT, INVALID},
    "broken.sheds": {INVALID},
    "broken.closes_every_100th": {RIGHT},
    "broken.crashes": {RIGHT, INVALID},
    "broken.truncates": {INVALID},
}
OVERLOADED = {RIGHT, UNFINISHED, INVALID}
RATE_RPS = 140.0
PING_GIVEN_UP_MS = 4500.0  # the harness waits 5 s for the last pings
PLAN = """\
[matrix]
scenarios = [{scenarios}]
services = [{services}]
users = {users}
[load]
warm_up_s = 2.0
measure_s = {measure_s}
timeout_s = 8.0
{load}
[rounds]
count = 1
ceilings = false
[database]
scale = 0.001
# Whatever else runs on this machine: what is looked at here is whether numbers are right.
[verdict]
strangers = 1
steal = 1
"""
READ = """\
    async with connection() as conn:
        row = await conn.fetchrow(READ_USER, user_id)
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.get("/users")
"""
CACHED = """\
    calls.append(user_id)
    if len(calls) > 400 and user_id in kept:
        return kept[user_id]
    async with connection() as conn:
        row = await conn.fetchrow(READ_USER, user_id)
    if row is None:
        raise errors.user_not_found(user_id)
    kept[user_id] = models.User(**row)
    return kept[user_id]


calls: list[int] = []
kept: dict[int, models.User] = {}


@app.get("/users")
"""


@dataclass(frozen=True)
class Published:
    """What a run has published of its cells, by service or scenario, and where it lies."""

    code: int
    printed: str
    folder: Path
    rows: Mapping[str, Mapping[str, str]]

    def windows(self, slug: str) -> list[tuple[int, int]]:
        """Those of a cell."""
        return truth.windows(sorted((self.folder / "rounds").glob(f"*/{slug}")))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the project with a PostgreSQL of its own that has its data."""
    for made in copied(tmp_path_factory.mktemp("hostile") / "checkout"):
        for words in (("db", "start"), ("db", "load", "--scale", "0.001")):
            code, printed = made.bench(*words)
            assert code == 0, printed
        yield made


def run(
    checkout: Checkout,
    name: str,
    urls: Mapping[str, str],
    *,
    by: str = "service",
    scenarios: Sequence[str] = ("point_read",),
    services: Sequence[str] = (),
    users: int = 100,
    measure_s: float = 5.0,
    load: str = "",
) -> Published:
    """One `bench run` of these targets and services. Its exit code is 0, or 3 where something was not believed."""
    listed = [", ".join(f'"{one}"' for one in names) for names in (scenarios, services)]
    path = checkout.folder / f"{name}.toml"
    path.write_text(PLAN.format(scenarios=listed[0], services=listed[1], users=users, measure_s=measure_s, load=load))
    words = [word for target, url in urls.items() for word in ("--target", f"{target}={url}")]
    code, printed = checkout.bench("run", "--plan", str(path), "--name", name, *words, timeout_s=400)
    assert code in {0, 3}, printed
    assert "Traceback" not in printed
    folder = checkout.results / name
    summary = folder / "summary.csv"
    published = rows(summary) if summary.exists() else []
    return Published(code, printed, folder, {one[by]: one for one in published if one["operation"] == "all"})


@dataclass(frozen=True)
class Compared:
    """A published row, what its service says of it, and what follows."""

    row: Mapping[str, str]
    truth: Truth

    @property
    def outcome(self) -> str:
        """One of those of truth.outcome."""
        return truth.outcome(self.row, self.truth)

    def __str__(self) -> str:
        names = ("throughput_rps", "latency_mean_ms", "latency_p50_ms", "latency_p99_ms")
        figures = "; ".join(f"{name} {self.row[name]} ({getattr(self.truth, name):.1f})" for name in names)
        more = f"{self.truth.never_answered} of {self.truth.began} never answered"
        return f"{self.row['service']}: {self.outcome}; {figures}; {more}; {self.row['verdict']} {self.row['reasons']}"


@pytest.fixture(scope="module")
def closed(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> tuple[Published, Mapping[str, Compared]]:
    """All of CLOSED in one run."""
    logs = tmp_path_factory.mktemp("logs")
    with targets.running(list(CLOSED), logs, {}) as urls:
        published = run(checkout, "closed", urls, load="ping = true")
    assert set(published.rows) == set(urls), published.printed
    compared = {
        name: Compared(row, truth.of(truth.read(logs / name), published.windows(name)))
        for name, row in published.rows.items()
    }
    print(*compared.values(), sep="\n")  # pytest shows it where a test fails
    return published, compared


@pytest.mark.parametrize("module", CLOSED)
def test_a_row_agrees_with_the_log_of_its_service(
    module: str, closed: tuple[Published, Mapping[str, Compared]]
) -> None:
    """The row agrees with the service's log, or does not claim to be right."""
    one = closed[1][module.rpartition(".")[2]]
    assert one.truth.began, "the service saw no request in the window"
    assert one.outcome in CLOSED[module], str(one)


def test_a_ping_without_an_answer_counts(closed: tuple[Published, Mapping[str, Compared]]) -> None:
    """The longest ping of a service that leaves every eighth one hanging is not that of the quick ones."""
    folder = closed[0].folder / "rounds" / "01" / "never_answers"
    pings = rows(folder / "ping.csv")
    assert [one for one in pings if one["status"] == "0"], pings
    evidence = truth.evidence(folder)
    assert evidence["ping_max_ms"] is None or evidence["ping_max_ms"] >= PING_GIVEN_UP_MS


def test_an_open_load_beyond_the_capacity(checkout: Checkout, tmp_path: Path) -> None:
    """Throughput is what was answered, not what arrived, and times are from when requests were due."""
    with targets.running(["late.over_capacity"], tmp_path, {}) as urls:
        load = f'arrival = "open"\nrate = {RATE_RPS}'
        published = run(checkout, "open", urls, users=1000, load=load)
    windows = published.windows("over_capacity")
    log = truth.due(truth.read(tmp_path / "over_capacity"), RATE_RPS, windows[0])
    one = Compared(published.rows["over_capacity"], truth.of(log, windows))
    print(one)
    assert one.truth.throughput_rps == pytest.approx(100, rel=0.05)
    assert one.outcome in OVERLOADED, str(one)


@pytest.mark.parametrize("scenarios", [("synchronize", "session_sleep"), ("simulation",)], ids=" ".join)
def test_no_work_is_not_fast_work(checkout: Checkout, tmp_path: Path, scenarios: tuple[str, ...]) -> None:
    """Answers that come sooner than the work can be done, and answers that are nobody's, are not measured or INVALID."""
    code, url = checkout.bench("db", "url")
    assert code == 0, url
    with targets.running(["untrue.no_work"], tmp_path, {"DATABASE_URL": url.strip()}) as urls:
        published = run(checkout, scenarios[-1], urls, by="scenario", scenarios=scenarios, users=20, measure_s=3.0)
    print(published.printed)
    assert published.code == 3
    assert {name for name, row in published.rows.items() if row["verdict"] in truth.PUBLISHED} == set()


def test_one_answer_for_all_users_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    """Nothing is measured."""
    with targets.running(["untrue.constant"], tmp_path, {}) as urls:
        published = run(checkout, "constant", urls)
    assert published.code == 3
    assert "verification of target constant" in published.printed
    assert not published.rows


def test_a_service_that_caches_after_verification(checkout: Checkout) -> None:
    """It does not do in the window what it did for the gate. The last test here: it changes the copy."""
    path = checkout.folder / "services" / "asyncpg_async" / "app.py"
    text = path.read_text()
    assert text.count(READ) == 1
    path.write_text(text.replace(READ, CACHED))
    published = run(checkout, "caches", {}, services=("asyncpg_async",), users=20)
    row = published.rows["asyncpg_async"]
    print(row)
    assert float(row["transactions_per_request"] or 0) < 1, "it should have cached"
    assert row["verdict"] == INVALID, row
