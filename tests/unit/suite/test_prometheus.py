"""Prometheus' text format, read in one place."""

import pytest

from suite import prometheus


def test_samples_of_one_name_are_summed() -> None:
    """Several workers have a sample each, apart by a label; comments say nothing."""
    text = '# HELP threads Of all.\n# TYPE threads gauge\nthreads{pid="1"} 40.0\nthreads{pid="2"} 40.0\nworkers 2\n'
    assert prometheus.totals(text) == {"threads": 80.0, "workers": 2.0}


@pytest.mark.parametrize("text", ['{"detail":"no connection"}', "<html>\n", "threads many\n"])
def test_another_answer_is_refused(text: str) -> None:
    """An error's body is not figures."""
    with pytest.raises(ValueError, match=r"Invalid labels|invalid metric name|could not convert"):
        prometheus.totals(text)
