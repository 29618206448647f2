"""The page of the made-up run, as text and as its elements."""

from pathlib import Path

import pytest

from bench.report.html import writing
from tests.unit.report.outline import Outline


@pytest.fixture(scope="module")
def text(made_up_run: Path) -> str:
    return (made_up_run / writing.REPORT).read_text()


@pytest.fixture(scope="module")
def outline(text: str) -> Outline:
    return Outline(text)
