"""What a comparison says, before any view of it."""

from bench.compare import changes, documents
from tests.unit.compare.document_of import figures


def test_a_regression_is_one_line() -> None:
    """With the limit that its whole interval lies beyond."""
    [one, *_] = changes.compare([figures("x", (100, 101), (1, 2))], [figures("x", (50, 50.5), (1, 2))])
    line = documents.regression(one, 0.05, "x")
    assert line == "regression: x: requests/s 0.500 (0.485 .. 0.515), all of it below 0.95"
