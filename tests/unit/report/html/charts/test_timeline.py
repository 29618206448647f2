"""When each request of a batch waited and when it held a connection."""

from bench.analysis.recorded.timeline import TimelineRow
from bench.report.html.charts import timeline


def row(request: int, *, ok: bool = True, held: tuple[float | None, float | None] = (0.1, 0.2)) -> TimelineRow:
    return TimelineRow(request, 0.0, 0.0, *held, 1.0, ok)


def test_a_request_counts_once_however_often_it_held_a_connection() -> None:
    """A failed one has its own mark in the legend."""
    rows = [row(1), row(1, held=(0.5, 0.9)), row(2, ok=False, held=(0.5, None)), row(3, held=(None, None))]
    chart = timeline.chart("asyncpg_async", 2, rows)
    assert (chart.title, chart.description) == (
        "Requests of the batch: asyncpg_async, round 2", "3 requests; 1 failed.",
    )  # fmt: skip
    assert ">failed<" in chart.svg
    assert ">failed<" not in timeline.chart("asyncpg_async", 2, rows[:2]).svg


def test_of_a_large_batch_the_first_requests_are_shown() -> None:
    """Failures are counted in all of it."""
    count = timeline.MOST_REQUESTS + 1
    rows = [row(number, ok=number < count) for number in range(1, count + 1)]
    assert timeline.chart("asyncpg_async", 1, rows).description == "121 requests, the first 120; 1 failed."
    assert timeline.chart("asyncpg_async", 1, rows[:-1]).description == "120 requests; 0 failed."
