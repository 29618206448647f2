"""Claims in a plan: what can be written, what is refused and how it is said, and which cells are meant."""

from pathlib import Path

import pytest

from bench.plan import file, model
from bench.plan.claims import Claim
from suite.errors import PlanError

MATRIX = """\
[matrix]
scenarios = ["read_many"]
services = ["asyncpg_async", "psycopg2_sync"]
pool_size = [5, 10]
parameters = { count = [1, 20] }
"""
CLAIM = '[[claims]]\nid = "mine"\nsource = "somebody"\nclaim = "in words"\n'
ONE = 'cell = { service = "asyncpg_async", pool_size = 5, count = 20 }\n'
VALUE = f'{CLAIM}metric = "throughput_rps"\n{ONE}'


def read(folder: Path, claims: str, **options: object) -> model.Plan:
    path = folder / "mine.toml"
    path.write_text(MATRIX + claims)
    return file.read(path, options)


def test_a_claim_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A cell by its axes and parameters, or by its slug; ranges with two ends or one."""
    ratio = (
        '[[claims]]\nid = "ratio"\nsource = "s"\nclaim = "c"\nmetric = "latency_p99_ms"\nexpected = [8, 12]\n'
        'candidate = { service = "psycopg2_sync", pool_size = 5, count = 1 }\n'
        'baseline = "asyncpg_async-pool_size_5-count_1"\n'
    )
    one, two = read(tmp_path, f"{VALUE}at_most = 5\n{ratio}").claims
    axes: dict[str, str | int | float] = {"service": "asyncpg_async", "pool_size": 5, "count": 20}
    assert one == Claim(id="mine", source="somebody", claim="in words", metric="throughput_rps", cell=axes, at_most=5)
    assert (one.low, one.high, two.low, two.high) == (-float("inf"), 5, 8, 12)
    assert two.selectors == (
        {"service": "psycopg2_sync", "pool_size": 5, "count": 1},
        {"slug": "asyncpg_async-pool_size_5-count_1"},
    )


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (CLAIM + ONE + "at_least = 1\n", ["claim 1: metric is missing"]),
        (VALUE + "at_lest = 1\n", ["unknown key 'claim 1: at_lest'", "did you mean 'at_least'"]),
        (VALUE + "at_least = 1\n" + VALUE, ["claim 2", "one of expected, at_least and at_most"]),
        (VALUE + "at_least = 1\nat_most = 2\n", ["claim 1", "one of expected, at_least and at_most"]),
        (VALUE + "expected = [2, 1]\n", ["claim 1", "[2.0, 1.0]", "the lower one first"]),
        (VALUE + "expected = [1]\n", ["claim 1", "two numbers"]),
        (VALUE + "at_most = inf\n", ["claim 1: at_most", "inf", "finite"]),
        (VALUE + 'at_most = "5"\n', ["claim 1: at_most", "'5'", "number"]),
        (CLAIM + f'metric = "throughput"\n{ONE}', ["no metric 'throughput'", "did you mean 'throughput_rps'"]),
        (CLAIM + 'metric = "batch_s"\nat_most = 1\n', ["exactly one of: cell, candidate and baseline, ranking"]),
        (VALUE + 'baseline = "x"\nat_most = 1\n', ["exactly one of: cell, candidate and baseline, ranking"]),
        (
            CLAIM + 'metric = "batch_s"\ncandidate = "x"\nat_most = 1\n',
            ["exactly one of: cell, candidate and baseline"],
        ),
        (CLAIM + 'metric = "batch_s"\nranking = ["x"]\n', ["at least two cells"]),
        (CLAIM + 'metric = "batch_s"\nranking = ["x", 5]\n', ["claim 1: ranking", "5", "slug or by axes"]),
        (CLAIM + 'metric = "batch_s"\nranking = ["x", "y"]\nat_most = 1\n', ["a ranking needs none"]),
        (CLAIM + 'metric = "batch_s"\ncell = {}\nat_most = 1\n', ["claim 1: cell", "slug or by axes"]),
        (CLAIM + 'metric = "batch_s"\ncell = { users = [1, 2] }\nat_most = 1\n', ["users is [1, 2]", "one text"]),
        (
            CLAIM + 'metric = "batch_s"\ncell = { sevice = "asyncpg_async" }\nat_most = 1\n',
            ["claim 'mine'", "no axis 'sevice'", "did you mean 'service'", "count"],
        ),
        (
            CLAIM + 'metric = "batch_s"\ncell = { service = "databases_async" }\nat_most = 1\n',
            ["claim 'mine'", "service=databases_async names no cell", "psycopg2_sync-pool_size_10-count_20"],
        ),
        (
            CLAIM + 'metric = "batch_s"\ncell = { service = "asyncpg_async", count = 1 }\nat_most = 1\n',
            ["names 2 cells, not one: asyncpg_async-pool_size_5-count_1, asyncpg_async-pool_size_10-count_1"],
        ),
        (VALUE + "at_least = 1\n" + VALUE + "at_least = 1\n", ["two claims have the id 'mine'"]),
        (VALUE + 'at_least = 1\noperation = "read_mani"\n', ["no operation 'read_mani'", "did you mean 'read_many'"]),
        (
            CLAIM + f'metric = "batch_s"\n{ONE}at_most = 1\noperation = "read_many"\n',
            ["batch_s is known only of all operations together", "throughput_rps"],
        ),
    ],
)
def test_a_claim_that_cannot_be_ruled_on_is_refused(tmp_path: Path, claims: str, words: list[str]) -> None:
    """The message names the file, the claim, the value and what is near or allowed."""
    with pytest.raises(PlanError) as caught:
        read(tmp_path, claims)
    for word in [str(tmp_path / "mine.toml"), *words]:
        assert word in str(caught.value)


def test_options_may_take_a_claims_cells_away(tmp_path: Path) -> None:
    """The plan stands, and the claim is left out; without such options a claim must name its cells."""
    stated = VALUE + "at_least = 1\n"
    assert len(read(tmp_path, stated).claims) == 1
    assert read(tmp_path, stated, services=["psycopg2_sync"]).claims == []
    path = tmp_path / "mine.toml"
    assert tuple(map(str, file.understood(path, {"services": ["psycopg2_sync"]}).remarks)) == (
        "left out, because options remove their cells: the claims mine",
    )
    assert read(tmp_path, stated, pool_size=[5]).claims
    with pytest.raises(PlanError, match="names no cell"):
        read(tmp_path, stated.replace("pool_size = 5", "pool_size = 7"), rounds=2)
    with pytest.raises(PlanError, match="no axis"):
        read(tmp_path, stated.replace("pool_size", "pol_size"), services=["psycopg2_sync"])
