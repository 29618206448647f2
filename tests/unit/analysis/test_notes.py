"""The notes on cells, in their order."""

from dataclasses import replace

from bench.analysis.notes import A_A, of_cells, unchecked_of_all
from bench.analysis.outcome import CellResult, Outcome
from bench.analysis.recorded.loop_lag import Lag
from bench.plan.matrix import Cell, default_setup
from bench.plan.note import Kind, Note
from suite import catalogue
from tests.unit.analysis.test_outcome import CRASHED, cell, measured


def results(*cells: Cell, said: tuple[str, ...] = (), **changes: object) -> list[CellResult]:
    """Of one measurement of each, of ten requests."""
    outcome = Outcome()
    for one in cells:
        outcome.add(one, measured(*["read_user"] * 10, said=said, **changes), Note("", Kind.REMADE, "measured again"))
    return outcome.ordered()


def test_a_reason_comes_before_remarks_and_failures() -> None:
    """All begin with the cell; a reason and a remark name their round, and a reason its rule."""
    found = of_cells(results(cell("asyncpg_async"), said=("reset", "reset", "late"), reconnects=1200))
    assert [(one.about, one.kind, one.text, one.which) for one in found] == [
        ("asyncpg_async", Kind.INVALID, "round 1: 3 of 10 requests failed (30.00%, more than 0.1%)", "failed"),
        ("asyncpg_async", Kind.REMADE, "round 1: measured again", ""),
        ("asyncpg_async", Kind.ERROR, "2 x reset", ""),
        ("asyncpg_async", Kind.ERROR, "1 x late", ""),
        ("asyncpg_async", Kind.RECONNECTS, "1,200 connections that the service had closed were opened again", ""),
        ("asyncpg_async", Kind.BOUND, found[-2].text, "service CPU"),
        ("", Kind.LEDGER, found[-1].text, ""),
    ]
    assert found[-1].text == (
        "ledger of the windows: 10 requests began or were due = 7 succeeded + 3 failed + 0 missed + 0 unfinished"
    )


def test_what_was_not_checked_is_said_once_where_it_holds_for_all_cells() -> None:
    """Otherwise at each cell that it is about; a cell without a request has nothing to say of it."""
    here, there, gone = (cell(name) for name in ("asyncpg_async", "psycopg2_sync", "databases_async"))
    outcome = Outcome()
    unread: dict[str, object] = {"throttled_s": None}
    outcome.add(here, measured("read_user", machine=unread))
    outcome.add(there, measured("read_user", machine={**unread, "strangers": None}))
    outcome.add(gone, CRASHED)
    shared = unchecked_of_all(outcome.ordered())
    assert [note.text for note in shared] == ["CPU limits: our control group cannot be read"]
    found = [one for one in of_cells(outcome.ordered(), shared) if one.kind is Kind.UNCHECKED]
    assert [(one.about, one.text) for one in found] == [
        ("", "not checked: CPU limits: our control group cannot be read"),
        ("psycopg2_sync", "not checked: other processes, which this system does not show"),
    ]
    again = [one.about for one in of_cells(outcome.ordered(), shared, with_shared=False) if one.kind is Kind.UNCHECKED]
    assert again == ["psycopg2_sync"]


def test_pings_beside_the_load_and_missed_arrivals_are_noted() -> None:
    """With their figures."""
    found = of_cells(results(cell("asyncpg_async"), missed=4200, ping_p50_ms=9.04, ping_max_ms=1234.5))
    texts = {one.kind: one.text for one in found}
    assert texts[Kind.PING] == "GET /ping beside it: 9.0 ms (median), 1,234 ms (worst)"
    assert texts[Kind.MISSED] == "4,200 arrivals were due and never sent"


def test_the_lag_of_the_event_loop_is_noted() -> None:
    """With its p99, if that is known."""
    notes = [of_cells(results(cell("asyncpg_async"), lag=Lag(1.24, p99_ms, 2000.4))) for p99_ms in (None, 31.06)]
    assert [one.text for found in notes for one in found if one.kind is Kind.LOOP_LAG] == [
        "lag of its event loop: 1.2 ms (mean), 2,000 ms (worst)",
        "lag of its event loop: 1.2 ms (mean), 31.1 ms (p99), 2,000 ms (worst)",
    ]


def test_a_target_is_noted_once_and_an_arm_and_a_landmark_each() -> None:
    """A target in two cells is one program."""
    setup = replace(default_setup("asyncpg_async"), service="mine", url="http://127.0.0.1:9000", title="Mine")
    target = replace(cell("asyncpg_async"), setup=setup)
    twin = replace(cell("asyncpg_async"), setup=replace(default_setup("asyncpg_async"), arm="aa"))
    landmark = replace(cell("no_database"), once=True)
    found = of_cells(results(target, replace(target, users=5), twin, landmark))
    [noted] = [str(one) for one in found if one.kind is Kind.TARGET]
    assert noted.startswith("mine (Mine): a target at http://127.0.0.1:9000, no service of the suite; CPU time")
    assert [one for one in found if one.kind is Kind.SAME] == [Note(twin.slug, Kind.SAME, A_A)]
    assert [one.about for one in found if one.kind is Kind.LANDMARK] == [""]
    assert found[-2].text == "below the line: measured once, as a landmark, not ranked"


def test_longer_warm_ups_of_a_cell_are_one_note() -> None:
    """It has the first round's time, and how many more rounds there were."""
    one = results(cell("asyncpg_async"))[0]
    text = "the load warmed up for {}.0 s"
    remarks = tuple(Note(f"round {number}", Kind.WARM_UP, text.format(number)) for number in (1, 2, 3))
    said = [note.text for note in of_cells([replace(one, remarks=remarks)]) if note.kind is Kind.WARM_UP]
    assert said == ["round 1: the load warmed up for 1.0 s (and in 2 more rounds)"]
    said = [note.text for note in of_cells([replace(one, remarks=remarks[:1])]) if note.kind is Kind.WARM_UP]
    assert said == ["round 1: the load warmed up for 1.0 s"]


def test_what_was_disturbed_is_one_line_for_all_cells() -> None:
    """The reason of each round is in summary.csv."""
    outcome = Outcome()
    for name in ("asyncpg_async", "psycopg2_sync"):
        for _ in range(3):
            outcome.add(cell(name), measured("read_user"))
        outcome.add(cell(name), measured("read_user", machine={"strangers": 0.5, "others_s": {"cc1 (pid 1)": 2.0}}))
    found = [one for one in of_cells(outcome.ordered()) if one.kind is Kind.DISTURBED]
    assert [str(one) for one in found] == [
        "disturbed and left out: 2 rounds (asyncpg_async round 4, psycopg2_sync round 4); seen in them: cc1 4.00 s"
    ]


def test_a_warning_example_is_said_first_and_once() -> None:
    """Whatever the number of its cells."""
    found = of_cells(results(cell("asyncpg_async"), cell("psycopg2_blocking")))
    assert [(one.about, one.text) for one in found if one.kind is Kind.EXAMPLE] == [
        ("", catalogue.service("psycopg2_blocking").caution)
    ]
    assert found[0].kind is Kind.EXAMPLE
    assert [str(one) for one in found if one.about == "psycopg2_blocking"] == [
        f"psycopg2_blocking (!): {one.text}" for one in found if one.about == "psycopg2_blocking"
    ]
