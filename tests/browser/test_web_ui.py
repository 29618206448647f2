"""Locust's web UI with what the suite adds to it, used in a real browser."""

import csv
import io
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from suite import catalogue
from tests.browser import chromium
from tests.browser.chromium import CHROMIUM, Tab
from tests.integration.checkout import copied, wait_for

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which .ci/run installs"),
    pytest.mark.slow,
]
PORT = 8189
UI = f"http://127.0.0.1:{PORT}"
PHONE, DESK = (390, 800), (1280, 900)
CHOSEN = ("asyncpg_async", "psycopg2_sync")
WITH_DATABASE = [service.name for service in catalogue.services().values() if service.needs_database]
PRESS = """(label => [...document.querySelectorAll("button, .MuiAccordionSummary-root")]
  .find(one => one.innerText.trim().toLowerCase() === label).click())"""
TOGGLE = """(name => [...document.querySelectorAll("tbody tr")].find(row => row.cells[1].innerText.trim() === name)
  .querySelector("input").click())"""
PICKED = """[...document.querySelectorAll("tbody tr")].filter(row => row.querySelector("input:checked"))
  .map(row => row.cells[1].innerText.trim()).join()"""
HEADER = "document.querySelector('header').innerText.toLowerCase()"
ROWS = "[...document.querySelectorAll('#services tr')].map(row => [...row.cells].map(cell => cell.innerText))"
# As somebody types: React looks at events, not at values.
FILL = """((name, value) => {
  const field = document.querySelector(`[name=${name}]`);
  if (field.multiple) for (const one of field.options) one.selected = value.includes(one.value);
  else Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
})"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[None]:
    """`bench ui` in a copy of the project. SIGTERM ends it, in the middle of a test, and everything it started."""
    stage()
    for checkout in copied(tmp_path_factory.mktemp("web_ui") / "checkout"):
        process = checkout.start("ui", "--port", str(PORT), "--scale", "0.001", "--scenario", "crud")
        try:
            assert wait_for(is_up, 60)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            printed, _ = process.communicate(timeout=15)
        assert process.returncode == 143, printed
        assert "Traceback" not in printed
        assert checkout.wait_until_empty() == []


@pytest.fixture
def tab(ui: None, tmp_path: Path) -> Iterator[Tab]:
    """A browser with the web UI open, on a desk."""
    assert ui is None
    with chromium.opened(tmp_path) as page:
        page.resize(*DESK)
        page.open(UI)
        page.wait("document.querySelector('header')")
        yield page
        assert page.console == []


def is_up() -> bool:
    try:
        return httpx.get(UI, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def statistics() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in httpx.get(f"{UI}/stats/requests", trust_env=False).json()["stats"]}


def press(tab: Tab, label: str) -> None:
    tab.run(f"{PRESS}({label.lower()!r})")


def fill(tab: Tab, **fields: str | list[str]) -> None:
    for name, value in fields.items():
        tab.run(f"{FILL}({name!r}, {value!r})")


def looks_whole(tab: Tab, size: tuple[int, int], picture: Path) -> None:
    """Nothing sticks out of the screen but what can be scrolled."""
    tab.resize(*size)
    tab.wait(f"innerWidth === {size[0]}")
    tab.picture(picture)
    assert tab.run("document.querySelector('#services').getBoundingClientRect().right <= innerWidth")
    assert tab.run("document.documentElement.scrollWidth") <= size[0]


def test_services_run_side_by_side_and_are_watched(tab: Tab, tmp_path: Path) -> None:
    """Scenario, services, arrivals and rate are chosen in the form, which refuses a bad rate; figures by service."""
    tab.wait(f"{PICKED} === 'Crud'")
    for name in ("Crud", "PointRead"):
        tab.run(f"{TOGGLE}({name!r})")
    tab.wait(f"{PICKED} === 'PointRead'")
    press(tab, "Custom parameters")
    offered = tab.run("[...document.querySelector('[name=service]').options].map(one => one.value)")
    assert offered == ["all", *catalogue.services()]

    fill(tab, userCount="20", spawnRate="20", service=list(CHOSEN), arrival="open", rate="-3")
    press(tab, "Start")
    tab.wait("document.body.innerText.includes('rate: -3 is not a positive number')")
    assert statistics()["Aggregated"]["num_requests"] == 0

    fill(tab, rate="60")
    press(tab, "Start")
    tab.wait(f"{HEADER}.includes('running')")
    press(tab, "Services")
    tab.wait(f"{ROWS}.slice(1, 9).every(row => /^[0-9]+%$/.test(row[1])) && {ROWS}.length > 8")
    assert wait_for(lambda: statistics()["Aggregated"]["num_requests"] >= 120, 20)
    rows = {row[0]: row[1:] for row in tab.run(ROWS)}
    assert [name for name in rows if name in catalogue.services()] == list(catalogue.services())
    for name in WITH_DATABASE:
        cpu, memory, threads, connections, *backends = rows[name]
        assert int(cpu.removesuffix("%")) <= 400
        assert 30 <= int(memory) <= 1000
        assert (threads.split()[-1], connections.split()[-1]) == ("40", "10")
        assert sum(map(int, backends)) == 10, (name, backends)  # the pool's, each in its state
    tab.run("document.querySelector('#services table').className = 'old'")
    tab.wait("document.querySelector('#services table').className === ''", timeout_s=3)  # it is made anew by itself

    found = statistics()
    assert set(found) == {f"{name} read_user" for name in CHOSEN} | {"Aggregated"}
    assert all(row["num_failures"] == 0 for row in found.values())
    one, other = (found[f"{name} read_user"]["num_requests"] for name in CHOSEN)
    assert abs(one - other) <= 5  # half of the rate each, whichever is faster
    for size, picture in ((PHONE, "phone.png"), (DESK, "desk.png")):
        looks_whole(tab, size, tmp_path / picture)


def test_a_test_is_stopped_and_another_begun(tab: Tab) -> None:
    """Files can be downloaded; the form has what was chosen last; the next test's rows are its own."""
    tab.wait(f"{HEADER}.includes('running')")
    press(tab, "Stop")
    tab.wait(f"{HEADER}.includes('stopped')")
    requests = csv.DictReader(io.StringIO(httpx.get(f"{UI}/stats/requests/csv", trust_env=False).text))
    counted = {row["Name"]: int(row["Request Count"]) for row in requests}
    assert counted == {name: row["num_requests"] for name, row in statistics().items()}
    assert counted["asyncpg_async read_user"] > 0

    press(tab, "New")
    tab.wait(f"{PICKED} === 'Crud'")
    tab.run(f"{TOGGLE}('Crud')")
    tab.run(f"{TOGGLE}('ReadMany')")
    tab.wait(f"{PICKED} === 'ReadMany'")
    press(tab, "Custom parameters")
    fill(tab, userCount="5", spawnRate="5", service=["psycopg3_sync"], arrival="closed", count="3")
    press(tab, "Start")
    tab.wait(f"{HEADER}.includes('running')")
    assert wait_for(lambda: "read_many" in statistics(), 10)
    found = statistics()
    assert set(found) == {"read_many", "Aggregated"}
    assert found["read_many"]["num_failures"] == 0

    press(tab, "Stop")
    tab.wait(f"{HEADER}.includes('stopped')")
    press(tab, "New")
    tab.wait(f"{PICKED} === 'ReadMany'")  # Locust's own picker would have all of them once more
    press(tab, "Start")
    tab.wait(f"{HEADER}.includes('running')")
