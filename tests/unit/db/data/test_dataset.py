import subprocess
import sys
from datetime import UTC, datetime

import pytest

from db.data import dataset
from db.data.dataset import Size
from suite.errors import DatabaseError


def test_scale_1_is_the_size_the_design_names() -> None:
    """1,000,000 users and what goes with them."""
    assert dataset.size(1) == Size(1_000_000, 100_000, 5_000_000, 10_000_000, 100_000)


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        (0.001, Size(1_000, 100, 5_000, 10_000, 100)),
        ("0.01", Size(10_000, 1_000, 50_000, 100_000, 1_000)),
        (0.0123456, Size(12_346, 1_235, 61_730, 123_460, 1_235)),
        (10, Size(10_000_000, 1_000_000, 50_000_000, 100_000_000, 1_000_000)),
    ],
)
def test_sizes_follow_the_scale(scale: float | str, size: Size) -> None:
    """Each table has a whole number of rows, the nearest one. A scale may be a number or its text.

    The sizes of all tables follow from the number of users.
    """
    assert dataset.size(scale) == size
    assert dataset.size_of(size.users) == size


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "inf", "5x", "", 0.0009, 10.01, "1e400"])
def test_a_scale_out_of_range_is_named_with_the_range(scale: float | str) -> None:
    """The message repeats the value and says what is possible."""
    with pytest.raises(DatabaseError) as caught:
        dataset.size(scale)
    assert repr(scale) in str(caught.value)
    assert "from 0.001 to 10" in str(caught.value)


def test_the_hash_has_known_values() -> None:
    """A change here would be another dataset."""
    assert [dataset.mix(x) for x in (0, 1, 2, 0xFFFFFFFF)] == [0, 824515495, 1722258072, 539527247]


def test_the_hash_stays_within_32_bits_and_does_not_collide() -> None:
    """One to one, also for the largest row that the largest scale draws for."""
    last = dataset.size(dataset.LARGEST_SCALE).order_items * dataset.STREAMS + dataset.STREAMS - 1
    assert last < 2**32
    assert len({dataset.mix(x) for x in range(last - 100_000, last + 1)}) == 100_001
    assert all(0 <= dataset.mix(x) < 2**32 for x in (0, 1, last, 2**32 - 1))


def test_users_have_known_rows() -> None:
    """A user depends on the id alone, today as in the first release."""
    assert dataset.user(1) == (
        1,
        "Olga Fischer",
        "user1@example.com",
        datetime(2024, 4, 27, 2, 58, 23, tzinfo=UTC),
    )
    last = dataset.user(10_000_000)
    assert last.email == "user10000000@example.com"
    assert dataset.EPOCH <= last.created_at < datetime(2025, 1, 1, tzinfo=UTC)


def test_names_are_plain_ascii_words_and_all_occur() -> None:
    """Two words of a list of 32 each, so that five bits pick one."""
    assert len(set(dataset.FIRST_NAMES)) == len(set(dataset.LAST_NAMES)) == 32
    names = {dataset.user(i).name for i in range(1, 20_001)}
    assert len(names) == 32 * 32
    assert all(name.isascii() and name.replace(" ", "").isalpha() for name in names)


def test_streams_of_one_row_are_independent_values() -> None:
    """No two of a row's draws are equal: the hash is one to one over (row, stream)."""
    assert len({dataset.draw(row, stream) for row in range(1000) for stream in range(16)}) == 16_000


def test_the_dataset_is_cheap_to_import() -> None:
    """Services and load scripts import it: nothing beyond the standard library comes along."""
    heavy = ("psycopg", "psutil", "polars", "tomllib")
    code = f"import sys, db.data.dataset; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"[]"
