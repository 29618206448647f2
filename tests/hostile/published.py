"""Runs that measure hostile services, and what they publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import truth
from tests.hostile.truth import Truth
from tests.integration.checkout import Checkout, rows

PLAN = """\
[matrix]
scenarios = [{scenarios}]
services = [{services}]
users = {users}
[load]
warm_up_s = {warm_up_s}
measure_s = {measure_s}
timeout_s = 8.0
{load}
[rounds]
count = 1
ceilings = false
[database]
scale = 0.001
# What is looked at here is whether numbers are right, whatever else runs on this machine. A drift is no wrong number,
# and would have cells measured twice.
[verdict]
drift = 1
drift_p = 1e-12
strangers = 1
steal = 1
"""


@dataclass(frozen=True)
class Published:
    """What a run has published of its cells, by service or scenario, and where it lies."""

    code: int
    printed: str
    folder: Path
    rows: Mapping[str, Mapping[str, str]]

    def windows(self, slug: str) -> list[tuple[int, int]]:
        """Those of a cell."""
        return truth.windows(sorted((self.folder / "rounds").glob(f"*/{slug}")))


def run(
    checkout: Checkout,
    name: str,
    urls: Mapping[str, str],
    *,
    by: str = "service",
    scenarios: Sequence[str] = ("point_read",),
    services: Sequence[str] = (),
    users: int = 100,
    warm_up_s: float = 2.0,
    measure_s: float = 5.0,
    load: str = "",
) -> Published:
    """One `bench run` of these targets and services. Its exit code is 0, or 3 where something was not believed."""
    listed = [", ".join(f'"{one}"' for one in names) for names in (scenarios, services)]
    values = {"warm_up_s": warm_up_s, "measure_s": measure_s, "users": users, "load": load}
    path = checkout.folder / f"{name}.toml"
    path.write_text(PLAN.format(scenarios=listed[0], services=listed[1], **values))
    words = [word for target, url in urls.items() for word in ("--target", f"{target}={url}")]
    code, printed = checkout.bench("run", "--plan", str(path), "--name", name, *words, timeout_s=400)
    assert code in {0, 3}, printed
    assert "Traceback" not in printed
    folder = checkout.results / name
    summary = folder / "summary.csv"
    published = rows(summary) if summary.exists() else []
    return Published(code, printed, folder, {one[by]: one for one in published if one["operation"] == "all"})


@dataclass(frozen=True)
class Compared:
    """A published row, what its service says of it, and what follows."""

    row: Mapping[str, str]
    truth: Truth

    @property
    def outcome(self) -> str:
        """One of those of truth.outcome."""
        return truth.outcome(self.row, self.truth)

    def __str__(self) -> str:
        names = ("throughput_rps", "latency_mean_ms", "latency_p50_ms", "latency_p99_ms")
        figures = "; ".join(f"{name} {self.row[name]} ({getattr(self.truth, name):.1f})" for name in names)
        more = f"{self.truth.never_answered} of {self.truth.began} never answered"
        return f"{self.row['service']}: {self.outcome}; {figures}; {more}; {self.row['verdict']} {self.row['reasons']}"
