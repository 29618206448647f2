"""What cells share, and what one changed by beside the others."""

import pytest

from bench.analysis.intervals import welch_interval
from bench.compare import net
from bench.compare.net import CellRounds
from bench.plan import metrics
from bench.plan.metrics import Place


def cell(
    service: str,
    old: tuple[float, ...],
    new: tuple[float, ...],
    first: tuple[int | None, int | None] = (None, None),
) -> CellRounds:
    return CellRounds(service, dict(enumerate(old, 1)), dict(enumerate(new, 1)), first)


A = cell("a", (10.0, 11.0, 12.0), (10.0, 11.0, 12.0))
B = cell("b", (20.0, 22.1, 24.0), (22.0, 24.2, 26.5))
C = cell("c", (30.0, 33.0, 36.1), (36.0, 39.7, 43.2))
D = cell("d", (40.0, 44.0, 48.0), (52.1, 57.2, 62.4))


def test_what_cells_share_is_the_middle_one() -> None:
    """With the middle ends of their own intervals; of an even number the wider ones."""
    middle = net.shared([A, B, C], 0.95)
    assert middle is not None
    assert middle.ratio == pytest.approx(1.1, rel=0.01)
    assert (middle.low, middle.high) == welch_interval((20.0, 22.1, 24.0), (22.0, 24.2, 26.5))
    of_four = net.shared([A, B, C, D], 0.95)
    assert of_four is not None
    assert of_four.ratio == pytest.approx((1.1 * 1.2) ** 0.5, rel=0.01)
    assert of_four.low == middle.low
    assert of_four.high > middle.high


def test_a_net_change_is_the_middle_one_of_those_beside_each_other_service() -> None:
    """Rounds are divided before they are averaged: what slows a whole round down cancels out."""
    beside = net.net(B, [A, B, C, D], 0.95)
    assert beside is not None
    expected = [new / old for new, old in zip((22.0, 24.2, 26.5), (36.0, 39.7, 43.2), strict=True)]
    before = [new / old for new, old in zip((20.0, 22.1, 24.0), (30.0, 33.0, 36.1), strict=True)]
    assert (beside.low, beside.high) == pytest.approx(welch_interval(before, expected), rel=1e-9)
    assert beside.ratio == pytest.approx(1.1 / 1.2, rel=0.01)


def test_other_cells_of_the_same_service_are_not_beside_it() -> None:
    """They changed with it."""
    again = cell("b", (20.0, 22.1, 24.0), (22.0, 24.2, 26.5))
    assert net.net(B, [A, C, again], 0.95) == net.net(B, [A, C], 0.95)


@pytest.mark.parametrize(
    "others",
    [
        [],
        [A],
        [A, cell("a", (1.0, 2.0), (1.0, 2.0))],
        [A, CellRounds("c", {4: 1.0, 5: 1.0}, {4: 1.0, 5: 1.0})],
        [A, cell("c", (1.0,), (1.0, 2.0))],
        [A, cell("c", (1.0, 2.0, 3.0), (1.0, 2.0, 3.0), first=(1, None))],
    ],
    ids=["alone", "two", "two, one with two cells", "no round in common", "one round", "one round that counts"],
)
def test_fewer_than_three_services_cannot_say(others: list[CellRounds]) -> None:
    """Of two that moved apart, either may have changed."""
    alone = cell("b", (20.0, 22.1, 24.0), (22.0, 24.2, 26.5), first=(2, None))
    assert net.net(alone, others, 0.95) is None
    assert net.shared([A, B], 0.95) is None
    assert net.shared([A, B, cell("a", (1.0, 2.0), (1.0, 2.0))], 0.95) is None


def test_rounds_that_decided_the_number_of_rounds_give_the_spread() -> None:
    """As in the ratios of one run; of those that both cells have."""
    b, c = (cell(one.service, tuple(one.old.values()), tuple(one.new.values()), first=(2, None)) for one in (B, C))
    staged = net.net(b, [A, c], 0.95)
    assert staged is not None
    assert staged != net.net(B, [A, C], 0.95)


def test_a_machines_speed_moves_times_and_nothing_else() -> None:
    """Throughput, latency and CPU time; not memory, and no share."""
    moved = {one.name for one in metrics.in_(Place.COMPARE) if net.moves_with_speed(one)}
    assert moved == {"throughput_rps", "latency_p50_ms", "latency_p99_ms", "service_cpu_ms_per_request"}
