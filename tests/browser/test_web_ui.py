"""Locust's web UI with what the suite adds to it, used in a real browser."""

import csv
import io
import os
import signal
import subprocess
import sys
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
CHOSEN = ("psycopg2_sync", "asyncpg_async")  # in the order of the form
OPEN_60 = (
    "Tested: psycopg2_sync, asyncpg_async. Arrival: open, 60 requests per second in all."
    " Locust rounds percentiles: to whole milliseconds, and from 100 ms on to two digits."
)
WITH_DATABASE = [service.name for service in catalogue.usual().values() if service.needs_database]
PRESS = """(label => [...document.querySelectorAll("button, .MuiAccordionSummary-root")]
  .find(one => one.innerText.trim().toLowerCase() === label).click())"""
TOGGLE = """(name => [...document.querySelectorAll("tbody tr")].find(row => row.cells[1].innerText.trim() === name)
  .querySelector("input").click())"""
PICKED = """[...document.querySelectorAll("tbody tr")].filter(row => row.querySelector("input:checked"))
  .map(row => row.cells[1].innerText.trim()).join()"""
HEADER = "document.querySelector('header').innerText.toLowerCase()"
TESTED = "document.querySelector('#tested').innerText"
# Each custom parameter of the form, in order. A label is whole if it is above its field and nothing of it is cut.
LABELS = """[...document.querySelectorAll("[data-own] label")].map(label => {
  const [above, field] = [label, label.nextElementSibling].map(one => one.getBoundingClientRect());
  const whole = label.scrollWidth <= label.clientWidth && above.bottom <= field.top && above.right <= innerWidth;
  return [label.innerText, whole, label.parentElement.querySelector("[name]").name];
})"""
# What the chart has: each service, its present figure, and its line's contrast with the paper, as WCAG counts it.
LINES = """(() => {
  const light = colour => colour.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0.05);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll("#services li")].map(item => {
    const [name, figure] = [...item.querySelectorAll("span")].map(one => one.innerText);
    const line = light(getComputedStyle(item.querySelector("path")).stroke);
    return [name, figure, Math.max(line, paper) / Math.min(line, paper)];
  });
})()"""
DRAWN = "[...document.querySelectorAll('#services svg[role=img] path')].map(one => one.getBoundingClientRect().width)"
ROWS = "[...document.querySelectorAll('#services tr')].map(row => [...row.cells].map(cell => cell.innerText))"
# As somebody types: React looks at events, not at values.
FILL = """((name, value) => {
  const field = document.querySelector(`[name=${name}]`);
  if (field.multiple) for (const one of field.options) one.selected = value.includes(one.value);
  else Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
})"""


# A scenario whose web UI asks for a login. Its page /enter logs in.
GUARDED = """
from flask import Blueprint, redirect
from flask_login import UserMixin, login_user
from locust import events
from locustfiles.point_read import PointRead

class Somebody(UserMixin):
    id = "somebody"

@events.init.add_listener
def guard(environment, **_):
    pages = Blueprint("guard", __name__, url_prefix=environment.parsed_options.web_base_path)

    @pages.route("/enter")
    def enter():
        login_user(Somebody())
        return redirect("/load/")

    app = environment.web_ui.app
    app.config["SECRET_KEY"] = "of this test"
    app.login_manager.user_loader(lambda name: Somebody())
    app.register_blueprint(pages)
"""


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


def is_up(url: str = UI) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def statistics() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in httpx.get(f"{UI}/stats/requests", trust_env=False).json()["stats"]}


def press(tab: Tab, label: str) -> None:
    tab.run(f"{PRESS}({label.lower()!r})")


def fill(tab: Tab, **fields: str | list[str]) -> None:
    for name, value in fields.items():
        tab.run(f"{FILL}({name!r}, {value!r})")


def wears(tab: Tab, scheme: str) -> None:
    """Load the page on a machine in this mode, and wait until the chart has figures."""
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(f"{UI}/?tab=services")
    tab.wait(
        f"matchMedia('(prefers-color-scheme: {scheme})').matches && {DRAWN}.length && {DRAWN}.every(px => px > 100)"
    )


def stands_apart(tab: Tab) -> None:
    """The line below Locust's header covers nothing, and nothing covers it."""
    header, said, tabs = (
        tab.run(f"document.querySelector({name!r}).getBoundingClientRect().toJSON()")
        for name in ("header", "#tested", "[role=tablist]")
    )
    assert header["bottom"] <= said["top"] < said["bottom"] <= tabs["top"]


def looks_whole(tab: Tab, size: tuple[int, int], picture: Path) -> None:
    """Nothing sticks out of the screen but what can be scrolled."""
    tab.resize(*size)
    tab.wait(f"innerWidth === {size[0]}")
    tab.picture(picture)
    assert tab.run("document.querySelector('#services').getBoundingClientRect().right <= innerWidth")
    assert tab.run("document.documentElement.scrollWidth") <= size[0]


def test_all_custom_parameters_can_be_read(tab: Tab) -> None:
    """They are open, the service comes first, and each has its help in full above it: also on a phone."""
    for size in (DESK, PHONE):
        tab.resize(*size)
        tab.open(UI)
        tab.wait(f"innerWidth === {size[0]} && {LABELS}.length && {LABELS}.every(([, whole]) => whole)")
        labels = tab.run(LABELS)
        assert [name for *_, name in labels][:3] == ["service", "arrival", "rate"]
        assert all(" (" in text and text.endswith(")") for text, *_ in labels), labels
        assert tab.run("document.documentElement.scrollWidth") <= size[0]
    press(tab, "Custom parameters")  # they can still be folded
    tab.wait("document.querySelector('[data-own] .MuiAccordionSummary-root').getAttribute('aria-expanded') === 'false'")


def test_services_run_side_by_side_and_are_watched(tab: Tab, tmp_path: Path) -> None:
    """Scenario, services, arrivals and rate are chosen in the form, which refuses bad ones; figures by service."""
    tab.wait(f"{PICKED} === 'Crud'")
    for name in ("Crud", "PointRead"):
        tab.run(f"{TOGGLE}({name!r})")
    tab.wait(f"{PICKED} === 'PointRead'")
    offered = tab.run("[...document.querySelector('[name=service]').options].map(one => one.value)")
    assert offered == ["all", *catalogue.usual()]

    fill(tab, userCount="20", spawnRate="20", service=list(CHOSEN), arrival="open", rate="-3")
    press(tab, "Start")
    tab.wait("document.body.innerText.includes('rate: -3 is not a positive number')")
    assert statistics()["Aggregated"]["num_requests"] == 0

    fill(tab, userCount="0", rate="60")
    press(tab, "Start")
    tab.wait("document.body.innerText.includes('number of users: 0 is not a whole number from 1 to ')")
    fill(tab, userCount="20", spawnRate="0")
    press(tab, "Start")
    tab.wait("document.body.innerText.includes('ramp up: 0 is not a positive number')")
    assert "ready" in tab.run(HEADER)

    fill(tab, spawnRate="20")
    press(tab, "Start")
    tab.wait(f"{HEADER}.includes('running')")
    tab.wait(f"{TESTED} === {OPEN_60!r}")
    stands_apart(tab)
    press(tab, "Services")
    tab.wait(f"{ROWS}.slice(1, 9).every(row => /^[0-9]+%$/.test(row[1])) && {ROWS}.length > 8")
    assert wait_for(lambda: statistics()["Aggregated"]["num_requests"] >= 120, 20)
    rows = {row[0]: row[1:] for row in tab.run(ROWS)}
    assert [name for name in rows if name in catalogue.services()] == list(catalogue.usual())
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
        stands_apart(tab)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chart_has_a_line_for_each_service(tab: Tab, scheme: str) -> None:
    """Each has half of the rate. Lines can be seen by day and by night."""
    wears(tab, scheme)
    tab.wait(f"{LINES}.every(([, figure]) => figure >= 25 && figure <= 35)")
    lines = tab.run(LINES)
    assert [name for name, *_ in lines] == list(CHOSEN)
    assert all(contrast >= 3 for *_, contrast in lines), lines
    for size in (PHONE, DESK):
        tab.resize(*size)
        tab.wait(f"innerWidth === {size[0]} && {DRAWN}.every(px => px > 100 && px < {size[0]})")
        assert tab.run("document.documentElement.scrollWidth") <= size[0]


def test_a_test_is_stopped_and_another_begun(tab: Tab) -> None:
    """Files can be downloaded; the form has what was chosen last; the next test's rows are its own."""
    tab.wait(f"{HEADER}.includes('running')")
    press(tab, "Stop")
    tab.wait(f"{HEADER}.includes('stopped')")
    assert tab.run(TESTED) == OPEN_60  # its figures are still there, too
    requests = csv.DictReader(io.StringIO(httpx.get(f"{UI}/stats/requests/csv", trust_env=False).text))
    counted = {row["Name"]: int(row["Request Count"]) for row in requests}
    assert counted == {name: row["num_requests"] for name, row in statistics().items()}
    assert counted["asyncpg_async read_user"] > 0

    press(tab, "New")
    tab.wait(f"{PICKED} === 'Crud'")
    tab.run(f"{TOGGLE}('Crud')")
    tab.run(f"{TOGGLE}('ReadMany')")
    tab.wait(f"{PICKED} === 'ReadMany'")
    fill(tab, userCount="5", spawnRate="5", service=["psycopg3_sync"], arrival="closed", count="3")
    press(tab, "Start")
    tab.wait(f"{HEADER}.includes('running')")
    assert wait_for(lambda: "read_many" in statistics(), 10)
    found = statistics()
    assert set(found) == {"read_many", "Aggregated"}
    tab.wait(f"{TESTED}.startsWith('Tested: psycopg3_sync. Arrival: closed, ')")
    assert found["read_many"]["num_failures"] == 0

    press(tab, "Stop")
    tab.wait(f"{HEADER}.includes('stopped')")
    press(tab, "New")
    tab.wait(f"{PICKED} === 'ReadMany'")  # Locust's own picker would have all of them once more
    press(tab, "Start")
    tab.wait(f"{HEADER}.includes('running')")


def test_the_page_below_a_path_and_behind_a_login(tmp_path: Path) -> None:
    """As --web-base-path and --web-login have it. Without a login the page says nothing, not even what is wrong."""
    (tmp_path / "guarded.py").write_text(GUARDED)
    command = [
        sys.executable, "-m", "locust", "-f", str(tmp_path / "guarded.py"), "--web-port", str(PORT + 1),
        "--web-host", "127.0.0.1", "--web-base-path", "/load", "--web-login", "--users", "5",
    ]  # fmt: skip
    site = f"http://127.0.0.1:{PORT + 1}/load"
    environment = os.environ | {"PYTHONPATH": str(catalogue.CHECKOUT), "HOME": str(tmp_path)}
    with (tmp_path / "locust.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        assert wait_for(lambda: is_up(f"{site}/login"), 60), (tmp_path / "locust.log").read_text()
        for method, path in (("GET", "test"), ("GET", "live")):
            assert httpx.request(method, f"{site}/services/{path}", trust_env=False).status_code == 302
        refused = httpx.post(f"{site}/swarm", data={"user_count": "0", "spawn_rate": "1"}, trust_env=False)
        assert (refused.status_code, "number of users" in refused.text) == (302, False)

        with chromium.opened(tmp_path) as tab:
            tab.resize(*DESK)
            tab.open(f"{site}/")
            tab.wait("location.pathname === '/load/login' && document.querySelector('#root')?.childElementCount")
            tab.open(f"{site}/enter")
            tab.wait(f"location.pathname === '/load/' && {LABELS}.length > 5")
            fill(tab, userCount="0")
            press(tab, "Start")
            tab.wait("document.body.innerText.includes('number of users: 0 is not a whole number from 1 to ')")
            fill(tab, userCount="2")
            press(tab, "Start")
            tab.wait(f"document.querySelector('#tested') && {TESTED}.startsWith('Tested: asyncpg_async. ')")
            press(tab, "Services")
            tab.wait(f"{ROWS}.length > 8")
            press(tab, "Stop")
            tab.wait(f"{HEADER}.includes('stopped')")
            assert tab.console == []
    finally:
        process.terminate()
        process.wait(45)
    assert "Traceback" not in (tmp_path / "locust.log").read_text()
