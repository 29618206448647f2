"""What intervals claim when cells take turns: how many tables of equal services have a wrong one; how wide they are.

One table is a run: rounds of blocks, in each of which every cell has a slice, in the suite's order. The slices of a
round are pooled, and intervals are over rounds. 10,000 tables of each kind.
"""

import math
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from bench.analysis import pairs
from bench.analysis.pairing.families import Family, simultaneous
from bench.analysis.precision import components, planning
from bench.analysis.precision.components import Components
from tests.unit.analysis.slices_of import (
    BURSTY,
    DRIFTING,
    QUIET,
    Floats,
    Layout,
    Noise,
    in_windows,
    logarithms,
    of_slices,
    places_of,
)
from tests.unit.analysis.test_coverage import as_results, cells, half_widths, times

TABLES = 10_000
AS_PAIRS = 20  # tables that are also computed by bench/analysis/pairs.py
SERVICES, ROUNDS, SLICES = (2, 4), (5, 6, 8), 10
MACHINES = {"quiet": QUIET, "drifting": DRIFTING, "bursty": BURSTY}
TURN_S = 5.0  # between two windows of the old design: warm-up, and restoring the data
EXACT = 0.007  # three standard errors of 10,000 tables at 5%


@cache
def turns(services: int, machine: str) -> Floats:
    """Rounds of slices: tables x rounds x services."""
    chance = np.random.default_rng((services, 1))
    layout = Layout(max(ROUNDS), SLICES, services)
    return logarithms(layout.in_turns(TABLES, chance), MACHINES[machine], chance)


@cache
def windows(services: int, machine: str) -> Floats:
    """The same in windows as long as all slices of a round, one of each cell in a round, in the suite's own order."""
    chance = np.random.default_rng((services, 2))
    layout = Layout(max(ROUNDS), SLICES, services)
    places = times(services)[:, : max(ROUNDS)] % services
    return logarithms(in_windows(layout, places, TURN_S), MACHINES[machine], chance)


def compared(services: int, family: Family) -> list[tuple[int, int]]:
    """Baseline and candidate by number; the first service is the baseline."""
    return [pair for pair in combinations(range(services), 2) if family is Family.ALL or not pair[0]]


def wrong(found: Floats, family: Family) -> float:
    """The share of tables in which any interval of the family excludes 1."""
    services, rounds = found.shape[2], found.shape[1]
    each = compared(services, family)
    called = np.zeros((len(found), len(each)), dtype=bool)
    for number, (baseline, candidate) in enumerate(each):
        differences = found[:, :, candidate] - found[:, :, baseline]
        widths = half_widths(differences, rounds, simultaneous(len(each))) / math.sqrt(rounds)
        called[:, number] = np.abs(differences.mean(axis=1)) > widths
    for table in range(AS_PAIRS):
        everything = pairs.compare(as_results(found[table]), baseline=cells(services)[0].service)
        mine = [one for one in everything if one.metric == "throughput_rps" and one.family is family]
        assert [one.conclusion in {"higher", "lower"} for one in mine] == called[table].tolist()
    return float(called.any(axis=1).mean())


def width(found: Floats, family: Family) -> float:
    """The mean half width of the family's intervals, on logarithms."""
    each, rounds = compared(found.shape[2], family), found.shape[1]
    differences = [found[:, :, candidate] - found[:, :, baseline] for baseline, candidate in each]
    return float(np.mean([half_widths(one, rounds, simultaneous(len(each))) for one in differences])) / math.sqrt(
        rounds
    )


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("services", SERVICES)
def test_one_table_in_twenty_has_a_wrong_interval_in_a_family(services: int, rounds: int, machine: str) -> None:
    """5%, whether or not the machine's speed wanders. Bursts make intervals cautious: their noise is not normal."""
    found = turns(services, machine)[:, :rounds]
    shares = [wrong(found, family) for family in (Family.ALL, Family.BASELINE)]
    print(f"{machine}: {services} services, {rounds} rounds: all pairs {shares[0]:.1%}, baseline {shares[1]:.1%}")
    assert max(shares) <= 0.05 + EXACT
    assert min(shares) >= (0.03 if machine == "bursty" else 0.05 - EXACT)
    assert services > 2 or shares[0] == shares[1]  # one pair alone is both families


@pytest.mark.parametrize(
    ("machine", "services", "least"),
    [("drifting", 2, 1.4), ("drifting", 4, 1.9), ("bursty", 2, 2.5), ("bursty", 4, 2.5)],
)
def test_slices_are_narrower_than_windows(machine: str, services: int, least: float) -> None:
    """By at least so much, at the same time under load: both cells of a ratio see the same seconds of the machine."""
    for rounds in ROUNDS:
        old, new = (width(made(services, machine)[:, :rounds], Family.ALL) for made in (windows, turns))
        print(f"{machine}: {services} services, {rounds} rounds: +-{old:.1%} in windows, +-{new:.1%} in slices")
        assert old / new > least


@pytest.mark.parametrize("services", SERVICES)
def test_slices_are_no_wider_where_there_is_nothing_to_share(services: int) -> None:
    """Independent noise averages out as well in one window as in ten slices."""
    old, new = (width(made(services, "quiet"), Family.ALL) for made in (windows, turns))
    assert old / new == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_the_baselines_family_is_narrower_by_its_quantile(rounds: int) -> None:
    """Of four services, three pairs instead of six: by 18% with five rounds."""
    found = turns(4, "quiet")[:, :rounds]
    share = width(found, Family.BASELINE) / width(found, Family.ALL)
    assert share == pytest.approx({5: 0.816, 6: 0.838, 8: 0.863}[rounds], abs=0.01)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_the_width_is_the_one_that_the_components_predict(rounds: int) -> None:
    """From the noise that was put in, within 2%."""
    of_rounds, of_blocks = QUIET.between_rounds**2, QUIET.between_blocks**2
    truth = Components(of_rounds, of_blocks, of_rounds, rounds, rounds * SLICES)
    expected = planning.half_width(truth, rounds, SLICES, 6)
    assert width(turns(4, "quiet")[:, :rounds], Family.ALL) == pytest.approx(expected, rel=0.02)


def test_the_components_of_a_simulated_run_are_those_that_were_put_in() -> None:
    """On a machine that drifts, too: what both cells of a block share is in neither component."""
    chance = np.random.default_rng(5)
    layout = Layout(40, 25, 2)
    noise = Noise(between_rounds=0.01, between_blocks=0.03, wander=0.003)
    slices = np.exp(of_slices(layout.in_turns(200, chance), noise, chance))
    found = [components.estimate(components.log_ratios(one[..., 0].tolist(), one[..., 1].tolist())) for one in slices]
    between = np.array([(one.as_estimated, one.between_blocks) for one in found if one]).mean(axis=0)
    assert len(found) == 200
    assert between == pytest.approx([noise.between_rounds**2, noise.between_blocks**2], rel=0.08)


def test_cells_take_turns_in_every_block() -> None:
    """Each has a slice in it, at any place about as often as at any other, and none while another one is measured."""
    drawn = places_of(3, SLICES)
    assert (np.sort(drawn, axis=2) == np.arange(3)).all()
    assert np.bincount(drawn[:, 0, 0]) == pytest.approx([len(drawn) / 3] * 3, rel=0.15)
    starts = Layout(2, SLICES, 3).in_turns(50, np.random.default_rng(0)).reshape(50, -1)
    assert np.diff(np.sort(starts, axis=1)).min() == pytest.approx(1.2)
