"""A measurement read back from its folder: evidence derived again, and held against what window.json says."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.analysis.measurement import Measurement
from bench.analysis.slices import cut
from bench.compare import figures
from bench.plan.note import Kind, Note
from bench.plan.placement import Placement
from bench.store import measurements, recordings, stored
from suite.errors import ResultsError
from tests.unit import turns_of
from tests.unit.recording_of import CELL, PLAN, RECORDING, SAMPLES, write_cell
from tests.unit.turns_of import Frozen, at_ns, plan, queue, recorded, watched


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "rounds" / "01" / CELL.slug


def rewritten(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change window.json."""
    path = place / "window.json"
    facts = json.loads(path.read_text())
    change(facts)
    path.write_text(json.dumps(facts))


def read(place: Path) -> tuple[Measurement, str]:
    found, said = measurements.read(place, PLAN, CELL)
    assert found is not None
    return found, said


def of_an_older_suite(facts: dict[str, Any]) -> None:
    """Before recordings were kept."""
    del facts["recorded"]


def test_what_is_read_back_is_what_was_made(place: Path) -> None:
    """Every field of the evidence, and the samples that count."""
    made = write_cell(place)
    found, said = read(place)
    assert (found.evidence, said) == (made.evidence, "")
    assert found.samples.equals(made.samples)
    seen = found.evidence
    assert (seen.requests, seen.connections_peak, seen.idle_in_transaction_peak, seen.reconnects) == (3000, 10, 1, 2)
    assert seen.accounted == pytest.approx(1.0)
    assert seen.transactions == pytest.approx(9000, rel=0.02)
    assert (seen.ping_p50_ms, seen.load_workers[0].users, seen.miscounted) == (20.0, 3, "")
    assert seen.machine is not None
    assert (seen.machine.pool, seen.machine.changed) == (0.5, ())


@pytest.mark.parametrize("by_service", [False, True])
def test_who_ended_a_measurement_without_a_window_is_read_back(place: Path, *, by_service: bool) -> None:
    """Its last line says so; the same words in a service's log do not, unless they are the last."""
    place.mkdir(parents=True)
    lines = ["it ended", "log", measurements.BY_SERVICE, *([measurements.BY_SERVICE] if by_service else ["log"])]
    (place / "problem.txt").write_text("\n".join(lines) + "\n")
    found, _ = read(place)
    assert (found.evidence.problem, found.evidence.by_service) == ("it ended", by_service)


def test_a_recording_of_an_older_suite_is_read(place: Path) -> None:
    """It has nothing by process and by CPU, and a number for a control group that could not be read."""
    write_cell(place)
    path = place / recordings.NAME
    facts = json.loads(gzip.decompress(path.read_bytes()))
    for one in facts["readings"]:
        for name in ("ran_on", "seen_on", "enclosed"):
            del one[name]
        for use in one["roles"].values():
            del use["by_process"]
    path.write_bytes(gzip.compress(json.dumps(facts).encode()))
    seen = read(place)[0].evidence.machine
    assert seen is not None
    assert (seen.throttled_s, seen.enclosed, seen.processes_s) == (0.0, False, {})
    assert [group.roles for group in seen.groups] == [("service",), ("load", "database")]


def test_evidence_follows_from_the_recording_and_not_from_window_json(place: Path) -> None:
    """So a formula that was corrected since reaches it. What window.json says otherwise is named, with both values."""
    made = write_cell(place)

    def otherwise(facts: dict[str, Any]) -> None:
        facts["evidence"]["machine"]["steal"] = 0.5
        facts["evidence"]["machine"]["cpu_busy"].pop("1")
        facts["end_ns"] += 1

    rewritten(place, otherwise)
    found, said = read(place)
    assert found.evidence == made.evidence
    assert said == (
        "window.json disagrees with what was recorded: end_ns is 110000000001 there and 110000000000 here; "
        "machine.steal is 0.5 there and 0.005 here; machine.cpu_busy.1 is not given there and 0.95 here"
    )


def test_samples_that_are_not_those_that_were_counted_are_named(place: Path) -> None:
    """In a run with its recording, and in one from before recordings were kept, whose evidence stands as written."""
    made = write_cell(place)
    SAMPLES.filter(pl.int_range(pl.len()) % 10 > 0).write_parquet(place / "samples.parquet")
    found, said = read(place)
    assert (found.evidence.requests, found.samples["begun"].sum()) == (2700, 2700)
    differing = (
        "window.json disagrees with what was recorded: accounted is 1 there and 0.9 here; completed is 3000 there and "
        "2700 here; requests is 3000 there and 2700 here; succeeded is 3000 there and 2700 here"
    )
    assert said == differing.replace("; succeeded", "; sampled is 3600 there and 3240 here; succeeded")
    rewritten(place, of_an_older_suite)
    found, said = read(place)
    assert (found.evidence, found.samples["begun"].sum()) == (made.evidence, 2700)
    assert said == differing


def test_a_count_of_locusts_is_held_against_the_samples_again(place: Path) -> None:
    """Samples that are missing outside the window change nothing else; the evidence says so itself, once."""
    made = write_cell(place)
    SAMPLES[:-100].write_parquet(place / "samples.parquet")
    found, said = read(place)
    counted = "Locust itself counted 3,600 requests, and there are 3,500 samples: the samples are what counts"
    before = replace(made.evidence, transactions=None, miscounted=counted, sampled=3500)
    assert replace(found.evidence, transactions=None) == before
    assert "miscounted" not in said


def test_a_run_from_before_recordings_has_its_evidence_as_it_stands(place: Path) -> None:
    """Also where it is not what would be derived now; nothing is said as long as its samples agree."""
    made = write_cell(place)
    (place / recordings.NAME).unlink()
    machine = made.evidence.machine
    assert machine is not None

    def older(facts: dict[str, Any]) -> None:
        of_an_older_suite(facts)
        facts["evidence"]["machine"]["steal"] = 0.5

    rewritten(place, older)
    found, said = read(place)
    assert (found.evidence, said) == (replace(made.evidence, machine=replace(machine, steal=0.5)), "")


def test_a_disagreement_is_a_remark_on_the_cell(tmp_path: Path, place: Path) -> None:
    """It names the round, and is one of the cell's remarks in the report; a comparison with the run says it, too."""
    write_cell(place)
    (tmp_path / "plan.json").write_text(json.dumps({"plan": PLAN.model_dump()}))
    [result] = stored.outcome(tmp_path).ordered()
    assert result.remarks == ()
    rewritten(place, lambda facts: facts["evidence"].update(failures=7))
    found = stored.outcome(tmp_path)
    [result] = found.ordered()
    said = "window.json disagrees with what was recorded: failures is 7 there and 0 here"
    assert result.remarks == (Note("round 1", Kind.DISAGREES, said),)
    about = f"{CELL.slug}, round 1"
    assert found.disagreeing == [Note(about, Kind.DISAGREES, said)]
    assert figures.read(tmp_path).remarks == (Note(tmp_path.name, Kind.DISAGREES, f"{about}: {said}"),)


def test_a_recording_that_is_missing_is_named(place: Path) -> None:
    """A window.json that names it is not one of an older suite."""
    write_cell(place)
    (place / recordings.NAME).unlink()
    with pytest.raises(ResultsError, match=r"cannot read .*recorded\.json\.gz: .*No such file"):
        read(place)


def test_a_recording_that_does_not_fit_is_named(place: Path) -> None:
    """A load that ended before its window; a placement on a CPU that no reading has."""
    write_cell(place)
    recordings.keep(replace(RECORDING, marks=RECORDING.marks[:1]), place)
    with pytest.raises(ResultsError, match=r"cannot read .*\.json\.gz: it does not fit.*ended before its window"):
        read(place)
    recordings.keep(replace(RECORDING, placement=Placement(service=(7,))), place)
    with pytest.raises(ResultsError, match=r"cannot read .*\.json\.gz: it does not fit.*KeyError: 'working 7'"):
        read(place)


def test_a_measurement_in_slices_is_read_back(place: Path) -> None:
    """Its turns, the slices that count and those that were left out; nothing in window.json disagrees."""
    clock = Frozen()
    readings = watched(clock.turns, slice_3={"wall_ns": at_ns(999)})
    settings, samples = plan(8), queue(clock, 14.0)
    recording = recorded(clock, 14.0, readings)
    place.mkdir(parents=True)
    samples.write_parquet(place / "samples.parquet")
    recordings.keep(recording, place)
    assert recordings.read(place) == recording
    mine = cut.of(recording, samples, settings)
    made = Measurement.of(recording, samples, turns_of.CELL, settings, mine)
    measurements.keep(mine.window, made.evidence, place)
    found, said = measurements.read(place, settings, turns_of.CELL)
    assert said == ""
    assert found is not None
    assert found.evidence == made.evidence
    assert found.samples.equals(made.samples)
    assert [one.block for one in found.evidence.slices] == [1, 2, 4, 5, 6, 7, 8]
    facts = json.loads((place / "window.json").read_text())
    assert facts["length_s"] == pytest.approx(7.0)
    assert facts["evidence"]["slices"][0]["completed"] == found.evidence.slices[0].completed
    assert "the clock jumped" in facts["evidence"]["slices_left_out"][0]["why"]
