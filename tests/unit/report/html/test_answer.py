"""What a run answers, in sentences."""

import re

from tests.unit.report.outline import Outline


def test_the_answer_says_what_served_most_and_where_the_knee_is(outline: Outline) -> None:
    """With its interval, the next cell and how it compares."""
    answer = re.search(r"point_read: asyncpg_async-users_1000 served most, .*", outline.text)
    assert answer is not None
    assert re.search(r"\(95% interval [\d,]+ to [\d,]+\), bound by service CPU; ", answer[0])
    assert "asyncpg_async: " in answer[0]
