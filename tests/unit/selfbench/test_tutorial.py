"""Each service takes turns with its library's tutorial. Both answer the same requests."""

from collections.abc import Callable

import pytest

from bench.selfbench.parts import tutorial
from suite import catalogue

TUTORIALS = tutorial.with_tutorial()
MODULES = {path.stem for path in (catalogue.CHECKOUT / "tests" / "tutorial").glob("*.py")} - {"__init__", "models"}


def test_each_tutorial_is_that_of_a_service() -> None:
    """A service need not have one."""
    assert {*TUTORIALS} == MODULES


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "asyncpg_async" else pytest.mark.release) for name in TUTORIALS]
)
def test_both_are_measured(name: str, stage: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer of both was right, or the round would be refused. The bounds are wide: this is no measurement."""
    stage()  # ends services of other tests, which have the ports
    for constant, value in (("SLICES", 2), ("SLICE_S", 0.4), ("WARM_UP_S", 0.5), ("USERS", 100)):
        monkeypatch.setattr(tutorial, constant, value)
    said: list[str] = []
    [pair] = tutorial.measure([name], said.append, rounds=1)[name]
    assert 0.03 < pair.ours_ms < 30
    assert 0.3 < pair.ratio < 3
    assert said[-1].startswith(f"  {name}: {pair.ours_ms:.3f} ms / tutorial {pair.tutorial_ms:.3f} ms")
