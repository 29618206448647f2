"""A run's page in a real browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.analysis import analysis
from bench.report.html import writing
from bench.store import stored
from tests.browser.chromium import CHROMIUM, FLAGS
from tests.integration.checkout import copied
from tests.unit.analysis.profiling import profile_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which .ci/run installs")
PHONE_PX, DESK_PX = 390, 1280
PAGE_PX, MARGIN_PX = 1216, 16  # of style.css
LIGHT = {"ink": "rgb(27, 31, 36)", "paper": "rgb(255, 255, 255)", "line": "rgb(27, 31, 36)"}
DARK = {"ink": "rgb(230, 233, 236)", "paper": "rgb(20, 24, 28)", "line": "rgb(230, 233, 236)"}
# The page has no script, so one around it looks into its frame.
FRAME = """<!DOCTYPE html><body style="margin:0">
<iframe src="FILE" width="WIDTH" height="800" style="border:0"></iframe>
<script>onload = () => {
  const inside = document.querySelector("iframe").contentWindow, page = inside.document;
  const style = name => inside.getComputedStyle(page.querySelector(name));
  const charts = [...page.querySelectorAll("svg:not(.flame, .flame svg)")];
  const drawn = one => {
    const box = one.getBoundingClientRect();
    const marks = [...one.querySelectorAll("path, use, image")].map(mark => mark.getBoundingClientRect());
    return box.width >= 300 && box.height >= 60 && marks.filter(mark => mark.width + mark.height > 2).length > 5;
  };
  const overlaps = texts => {
    const boxes = texts.map(one => [one.textContent.trim(), one.getBoundingClientRect()]);
    return boxes.flatMap(([name, a], at) => boxes.slice(at + 1).filter(([, b]) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
      Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3).map(([other]) => name + " / " + other));
  };
  document.body.textContent = "SEEN" + JSON.stringify({
    width: page.documentElement.scrollWidth,
    loaded: inside.performance.getEntriesByType("resource").map(one => one.name).filter(name => !/^data:/.test(name)),
    ink: style("body").color, paper: style("body").backgroundColor, line: charts.length && style("svg text").fill,
    smallest: Math.min(...[...page.querySelectorAll("svg text")].map(one => {
      const matrix = one.getScreenCTM();
      return parseFloat(inside.getComputedStyle(one).fontSize) * Math.hypot(matrix.a, matrix.b);
    })),
    overlapping: charts.flatMap(one => overlaps([...one.querySelectorAll("text")])),
    flames: [...page.querySelectorAll("svg.flame")].map(one => [
      Math.round(one.getBoundingClientRect().width), one.querySelectorAll("rect").length,
      new Set([...one.querySelectorAll("rect")].map(box => inside.getComputedStyle(box).fill)).size,
    ]),
    charts: charts.length, blank: charts.filter(one => !drawn(one)).map(one => one.textContent.trim().slice(0, 80)),
    text: page.body.innerText,
  }) + "END";
}</script>"""


def look(page: Path, folder: Path, *, width_px: int, dark: bool) -> dict[str, Any]:
    """What a browser makes of a page; `console` is what it complained of."""
    frame = folder / f"{width_px}-{dark}.html"
    frame.write_text(FRAME.replace("FILE", str(page)).replace("WIDTH", str(width_px)))
    command = [
        str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={width_px},800",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--allow-file-access-from-files", "--dump-dom",
        f"file://{frame}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"SEEN(.*)END</body>", done.stdout, re.DOTALL)
    assert found is not None, done.stdout[-500:] + done.stderr[-2000:]
    seen: dict[str, Any] = json.loads(found[1])
    return seen | {"console": [line for line in done.stderr.splitlines() if "CONSOLE" in line]}


def is_whole(seen: dict[str, Any], width_px: int, colours: dict[str, str], charts: int) -> None:
    """Nothing is loaded, complained of or wider than the screen; every chart is drawn, its text legible and apart."""
    assert seen.pop("smallest") >= 7
    assert seen.pop("text")
    assert seen.pop("overlapping") == []
    seen.pop("flames")
    assert seen == {"width": width_px, "loaded": [], "console": [], "charts": charts, "blank": []} | colours


def test_a_page_is_whole_in_the_dark_on_a_phone(made_up_run: Path, tmp_path: Path) -> None:
    """Of a run with every section but one."""
    is_whole(look(made_up_run / writing.REPORT, tmp_path, width_px=PHONE_PX, dark=True), PHONE_PX, DARK, 17)


def test_flame_graphs_are_as_wide_as_the_page(made_up_run: Path, tmp_path: Path) -> None:
    """On a phone and on a desk: of each profiled cell, and of the difference of two. Layers differ in colour."""
    folder = tmp_path / "profiled"
    shutil.copytree(made_up_run, folder)
    found = replace(analysis.of(stored.outcome(folder)), profiles=(profile_of.DRIVER, profile_of.WITH_ORM))
    page = writing.write(folder, found).path
    for width_px, dark in ((PHONE_PX, True), (DESK_PX, False)):
        seen = look(page, tmp_path, width_px=width_px, dark=dark)
        assert (seen["width"], seen["loaded"], seen["console"]) == (width_px, [], [])
        inside_px = min(width_px, PAGE_PX) - 2 * MARGIN_PX
        assert seen["flames"] == [[inside_px, 2, colours] for colours in (1, 2, 2)]
        assert "sqlalchemy_async takes 0.355 ms more CPU time a request than asyncpg_async" in seen["text"]


@pytest.mark.slow
def test_a_real_runs_page_is_whole(stage: Callable[..., None], tmp_path: Path) -> None:
    """On a desk and on a phone, light and dark; so is the index, and it leads to the page."""
    stage()
    for checkout in copied(tmp_path / "checkout"):
        code, printed = checkout.bench(
            "run", "--plan", "smoke", "--users", "20", "--measure", "1", "--rounds", "1", "--name", "real",
            "--services", "asyncpg_async,psycopg2_sync",
        )  # fmt: skip
        assert code in {0, 3}, printed  # a disturbed cell is INVALID, and has its page all the same
        page, index = checkout.results / "real" / writing.REPORT, checkout.results / "index.html"
        charts = page.read_text().count("<svg")
        assert charts == 7  # throughput, CPU, percentiles; of each cell a heat map, and all over time
        for width_px in (PHONE_PX, DESK_PX):
            for dark, colours in ((False, LIGHT), (True, DARK)):
                is_whole(look(page, tmp_path, width_px=width_px, dark=dark), width_px, colours, charts)
        seen = look(index, tmp_path, width_px=PHONE_PX, dark=True)
        assert (seen["width"], seen["loaded"], seen["console"]) == (PHONE_PX, [], [])
        assert "real" in seen["text"]
