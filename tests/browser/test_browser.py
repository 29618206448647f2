"""A run's page in a real browser."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.html import writing

CHROMIUM = shutil.which("chromium")
PHONE_PX = 390
# The page has no script, so one around it looks into its frame.
FRAME = """<!DOCTYPE html><body style="margin:0"><iframe src="FILE" width="390" height="800" style="border:0"></iframe>
<script>onload = () => {
  const inside = document.querySelector("iframe").contentWindow, page = inside.document;
  const style = name => inside.getComputedStyle(page.querySelector(name));
  document.body.textContent = "SEEN" + JSON.stringify({
    width: page.documentElement.scrollWidth,
    loaded: inside.performance.getEntriesByType("resource").map(one => one.name).filter(name => !/^data:/.test(name)),
    ink: style("body").color, paper: style("body").backgroundColor, line: style("svg text").fill,
    smallest: Math.min(...[...page.querySelectorAll("svg text")].map(one => {
      const matrix = one.getScreenCTM();
      return parseFloat(inside.getComputedStyle(one).fontSize) * Math.hypot(matrix.a, matrix.b);
    })),
    pictures: [...page.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().width < 300).length,
  }) + "END";
}</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which .ci/run installs")
def test_a_page_is_whole_in_the_dark_on_a_phone(made_up_run: Path, tmp_path: Path) -> None:
    """Nothing is loaded, nothing is complained of, nothing is wider than the screen; ink is light and text large."""
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.replace("FILE", str(made_up_run / writing.REPORT)))
    command = [
        str(CHROMIUM), "--headless", "--hide-scrollbars", "--no-sandbox", "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--blink-settings=preferredColorScheme=0", "--allow-file-access-from-files", "--enable-logging=stderr",
        "--disable-background-networking", "--disable-component-update", "--dump-dom", f"file://{frame}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"SEEN(.*)END</body>", done.stdout, re.DOTALL)
    assert found is not None, done.stdout[-500:] + done.stderr[-2000:]
    seen = json.loads(found[1])
    assert seen.pop("smallest") >= 7
    assert seen == {
        "width": PHONE_PX,
        "loaded": [],
        "ink": "rgb(230, 233, 236)",
        "paper": "rgb(20, 24, 28)",
        "line": "rgb(230, 233, 236)",
        "pictures": 0,
    }
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
