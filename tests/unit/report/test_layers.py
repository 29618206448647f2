"""Layers in words."""

from bench.report import layers
from tests.unit.analysis.profiling.profile_of import DRIVER, FAILED, WITH_ORM


def test_the_sentence_names_the_dearer_one_and_its_largest_differences() -> None:
    """Whichever is named first. A difference that the rounds do not show is left out."""
    said = "sqlalchemy_async takes 0.355 ms more CPU time a request than asyncpg_async: ORM / query builder +0.310"
    assert layers.sentence(WITH_ORM, DRIVER) == layers.sentence(DRIVER, WITH_ORM) == said
    assert layers.sentence(WITH_ORM, FAILED) == ""


def test_lines_of_tables() -> None:
    """Of one cell with parts, of several without, of two with differences. Nothing stands where a layer is missing."""
    assert layers.of_one(DRIVER)[0] == ("a whole request", "0.410", "0.283 .. 0.537", "100%")
    assert [line[0].strip() for line in layers.of_one(WITH_ORM)] == [
        "a whole request", "ORM / query builder", "driver", "C", "Python", "kernel",
    ]  # fmt: skip
    assert layers.beside([DRIVER, WITH_ORM])[2] == ("driver", "0.300", "0.300")
    assert layers.of_two(WITH_ORM, DRIVER)[1][:4] == ("ORM / query builder", "0.310", "", "+0.310")


def test_notes_say_what_limits_the_figures() -> None:
    """The profiler's cost, and why a cell has no layers."""
    assert layers.notes([DRIVER, FAILED]) == [
        "CPU time a request beside the profiler, times that without it: asyncpg_async 1.10 (1.10 .. 1.10)",
        "psycopg2_sync: no layers: not allowed",
    ]
