"""Flame graphs as SVG."""

import re
from xml.etree import ElementTree as ET

from bench.report.html.charts import flame
from tests.unit.analysis.profiling.profile_of import DRIVER, WITH_ORM


def test_each_frame_is_a_box_that_says_what_it_is() -> None:
    """With shares of the width, so that it fits any screen. Text is escaped."""
    chart = flame.chart(DRIVER)
    assert chart.title == "point_read, asyncpg_async: user time of a request, 0.200 ms"
    drawn = ET.fromstring(chart.svg)  # noqa: S314  # of our own
    box, called = drawn.iter("g")
    assert str(called.findtext("title")).startswith("fetch (asyncpg/pool.py): 0.050 ms")
    assert box.findtext("title") == "read_user (services/x/app.py): 0.200 ms, itself 0.150 ms; service's own code"
    assert re.search(r'width="100\.000%"', chart.svg)
    assert "viewBox" not in chart.svg


def test_a_difference_has_a_colour_by_its_size() -> None:
    """Equal frames have none."""
    assert 'class="d0"' in flame.difference(WITH_ORM, DRIVER).svg
