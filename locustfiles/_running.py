"""What the running test is, for a reader of the web UI: in words, and the requests/s of each service."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from locust.env import Environment

from locustfiles import _targets
from suite import catalogue
from suite.arrival import Arrival

ROUNDED = "Locust rounds percentiles: to whole milliseconds, and from 100 ms on to two digits."


class RunningTest:
    """The test that was begun last, as it began: an edited form changes neither the arrivals nor users that run."""

    def __init__(self) -> None:
        self.text = ""
        self._names: list[str] = []

    def begin(self, environment: Environment, **_: Any) -> None:
        """Keep what a test that begins now does."""
        modules = [sys.modules[one.__module__] for one in environment.user_classes]
        found = [one for each in modules for one in _targets.targets(environment, getattr(each, "OPERATIONS", ()))]
        self._names = list(dict.fromkeys(_targets.service_at(one.url) or one.url for one in found))
        self.text = in_words(self._names, vars(environment.parsed_options or ()))

    def requests_per_s(self, rows: Iterable[tuple[str, float]]) -> dict[str, float]:
        """The requests/s of each service, from Locust's rows (name, requests/s)."""
        return {catalogue.marked(name): rps for name, rps in by_service(self._names, rows).items()}


def in_words(names: list[str], options: Mapping[str, Any]) -> str:
    """Which services are tested, how requests arrive, and what to know of the figures that Locust shows."""
    together = " in all" if len(names) > 1 else ""
    batch_rate = options.get("batch_rate", 0)
    load = {
        Arrival.CLOSED: "closed, each user sends again when it is answered",
        Arrival.OPEN: f"open, {options.get('rate', 0):,.10g} requests per second{together}",
        Arrival.BATCH: f"batch, {options.get('arrivals', 0):,} requests{together}, "
        + (f"{batch_rate:,.10g} per second" if batch_rate else "at once"),
    }.get(options.get("arrival", ""), "")
    said = ", ".join(map(catalogue.marked, names))
    cautions = "".join(f"{text}. " for text in catalogue.cautions(names))
    return f"Tested: {said}. Arrival: {load}. {cautions}{ROUNDED}" if names and load else ""


def by_service(names: list[str], rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Sum rows by service. Where several run, a row's name begins with its service's."""
    sums = dict.fromkeys(names, 0.0)
    for row, requests_per_s in rows:
        name = names[0] if len(names) == 1 else row.partition(" ")[0]
        if name in sums:
            sums[name] += requests_per_s
    return sums
