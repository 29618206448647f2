"""Services made to get a wrong number published. Each is measured by a whole run, and its own log has the truth.

The promise: a number is right, or its cell is INVALID, or it says how many requests were unfinished. Never
VALID and wrong.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.hostile import targets, truth
from tests.hostile.published import Compared, Published, run
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
# After a closed connection the client connects again. The service's log does not have that time. It is the slowest 1%.
UNSEEN = {"closes_every_100th": {"latency_p99_ms": ""}}
OVERLOADED = {RIGHT, UNFINISHED, INVALID}
RATE_RPS = 140.0
PING_GIVEN_UP_MS = 4500.0  # the harness waits 5 s for the last pings
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

PING = """\
async def _ping_async() -> Pong:
"""
HANGING = """\
PINGS = []


async def _ping_async() -> Pong:
    PINGS.append(0)
    if len(PINGS) % 4 == 0 and len(__import__("sys").modules["services.asyncpg_async.app"].calls) > 400:
        await asyncio.sleep(1e6)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the project with a PostgreSQL of its own that has its data."""
    for made in copied(tmp_path_factory.mktemp("hostile") / "checkout"):
        for words in (("db", "start"), ("db", "load", "--scale", "0.001")):
            code, printed = made.bench(*words)
            assert code == 0, printed
        yield made


@pytest.fixture(scope="module")
def closed(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compared]:
    """All of CLOSED in one run."""
    logs = tmp_path_factory.mktemp("logs")
    with targets.running(list(CLOSED), logs, {}) as urls:
        published = run(checkout, "closed", urls)
    assert set(published.rows) == set(urls), published.printed
    compared = {
        name: Compared({**row, **UNSEEN.get(name, {})}, truth.of(truth.read(logs / name), published.windows(name)))
        for name, row in published.rows.items()
    }
    print(*compared.values(), sep="\n")  # pytest shows it where a test fails
    return compared


@pytest.mark.parametrize("module", CLOSED)
def test_a_row_agrees_with_the_log_of_its_service(module: str, closed: Mapping[str, Compared]) -> None:
    """The row agrees with the service's log, or does not claim to be right."""
    one = closed[module.rpartition(".")[2]]
    assert one.truth.began, "the service saw no request in the window"
    assert one.outcome in CLOSED[module], str(one)


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
    """Answers that come sooner than the work can be done, or for another user, are INVALID or not measured."""
    code, url = checkout.bench("db", "url")
    assert code == 0, url
    with targets.running(["untrue.no_work"], tmp_path, {"DATABASE_URL": url.strip()}) as urls:
        published = run(
            checkout, scenarios[-1], urls, by="scenario", scenarios=scenarios, users=20, warm_up_s=1.0, measure_s=2.0
        )
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


@pytest.fixture(scope="module")
def cheating(checkout: Checkout) -> Published:
    """One of the suite's services that caches, and leaves pings hanging, after 400 requests. It changes the copy."""
    for name, old, new in (("asyncpg_async/app.py", READ, CACHED), ("introspection.py", PING, HANGING)):
        path = checkout.folder / "services" / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
    return run(checkout, "cheating", {}, services=("asyncpg_async",), users=20, load="ping = true")


def test_a_service_that_caches_after_verification(cheating: Published) -> None:
    """It does not do in the window what it did for the gate."""
    row = cheating.rows["asyncpg_async"]
    assert float(row["transactions_per_request"] or 0) < 1, "it should have cached"
    assert row["verdict"] == INVALID, row


def test_a_ping_without_an_answer_counts(cheating: Published) -> None:
    """The longest ping is not that of those that were answered."""
    folder = cheating.folder / "rounds" / "01" / "asyncpg_async"
    pings = rows(folder / "ping.csv")
    assert [one for one in pings if one["status"] == "0" and 0 <= float(one["at_s"]) < 5], pings
    longest_ms = truth.evidence(folder)["ping_max_ms"]
    assert longest_ms is None or longest_ms >= PING_GIVEN_UP_MS
