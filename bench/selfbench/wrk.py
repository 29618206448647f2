"""Runs wrk, an independent client that the load generator is compared with."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.measure.fleet import variables
from bench.measure.fleet.processes import launch_command
from locustfiles import _address
from suite.errors import PreflightError

UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
# Like the point_read scenario: any user of the dataset, with the same headers.
RANDOM_USER = """
{headers}
request = function() return wrk.format("GET", "/users/" .. math.random(1, {users})) end
"""


@dataclass(frozen=True)
class WrkFigures:
    """The figures of a closed load. Latencies are in ms."""

    throughput_rps: float
    latency_p50_ms: float
    latency_p99_ms: float


def run(url: str, *, connections: int, seconds: int, users: int, cpus: tuple[int, ...], folder: Path) -> WrkFigures:
    """Run a closed load of point reads on a service. Raises PreflightError if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise PreflightError("wrk is not installed; on Debian: apt-get install wrk")
    script = script_in(folder, url, users)
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}",
        "--timeout",
        "60s",
        "--latency",
        "-s",
        str(script),
        url,
    ]
    answer = subprocess.run(
        launch_command(command, cpus), env=variables.clean(), check=True, capture_output=True, text=True
    )
    return parse(answer.stdout)


def script_in(folder: Path, url: str, users: int) -> Path:
    """Write the requests that wrk sends, in its language.

    A request has the headers of our load. Two more or less are 5% of the CPU time of asyncpg's service.
    """
    _host, *ours = _address.address_of(url).header.splitlines()
    pairs = [header.split(": ", 1) for header in ours]
    script = folder / "random_user.lua"
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in pairs)
    script.write_text(RANDOM_USER.format(headers=headers, users=users))
    return script


def parse(printed: str) -> WrkFigures:
    """Parse the output of wrk."""
    assert "Non-2xx" not in printed, printed  # noqa: S101  # figures of failed requests are useless
    rate = re.search(r"Requests/sec:\s*([\d.]+)", printed)
    percentiles = dict(re.findall(r"^\s+(\d+)%\s+([\d.]+\w+)\s*$", printed, re.MULTILINE))
    assert rate is not None, printed  # noqa: S101  # wrk's own layout
    return WrkFigures(float(rate[1]), _ms(percentiles["50"]), _ms(percentiles["99"]))


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's own layout
    return float(number) * UNITS_MS[unit]
