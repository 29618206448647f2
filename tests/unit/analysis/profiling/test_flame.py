"""Flame graphs as boxes."""

import pytest

from bench.analysis.profiling import flame
from bench.analysis.profiling.flame import GREENLET

START = "_run_module_as_main (python/runpy.py);run (uvicorn/server.py)"
READ = f"{START};read_user (services/x/app.py)"
ONE = {
    f"{READ};fetch (asyncpg/pool.py)": 0.6,
    f"{READ};_PyEval (libpython3.11.so);dumps (python/json/encoder.py)": 0.2,
    READ: 0.2,
}


def test_a_box_is_as_wide_as_the_time_of_what_it_calls() -> None:
    """Frames that start the server are left out, and so are the interpreter's own."""
    boxes = flame.of(ONE)
    assert [(one.frame.name, one.depth) for one in boxes] == [("read_user", 0), ("dumps", 1), ("fetch", 1)]
    read, dumps, fetch = boxes
    assert (read.left, read.width, read.ms, read.own_ms) == pytest.approx((0, 1, 1.0, 0.2))
    assert (dumps.left, dumps.width) == pytest.approx((0, 0.2))
    assert (fetch.left, fetch.width) == pytest.approx((0.2, 0.6))
    assert fetch.layer.name == "driver"
    assert flame.rows(boxes) == 2
    assert flame.whole_ms(ONE) == pytest.approx(1.0)


def test_narrow_boxes_are_left_out_with_all_that_they_call() -> None:
    """Nothing of nothing."""
    assert [one.frame.name for one in flame.of(ONE, least=0.5)] == ["read_user", "fetch"]
    assert flame.of({}) == []
    assert flame.rows([]) == 0


def test_a_greenlets_stack_stands_beside_the_others() -> None:
    """It does not begin where the process did."""
    boxes = flame.of({READ: 0.5, "get (sqlalchemy/orm/session.py)": 0.5})
    assert next(one.frame for one in boxes if one.depth == 0) == GREENLET


def test_two_graphs_are_held_against_each_other_frame_by_frame() -> None:
    """A frame that the other does not have is all of it more."""
    other = {f"{READ};fetch (asyncpg/pool.py)": 0.5, READ: 0.2}
    more = {one.frame.name: one.more_ms for one in flame.against(ONE, other)}
    assert more == pytest.approx({"read_user": 0.3, "dumps": 0.2, "fetch": 0.1})
