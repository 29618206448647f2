"""Measures the generator's CPU time for a request: lean client against FastHttpUser, with samples against without.

Every variant is measured in the same way, from outside. Requests are those that the null server answered, by its own
count. CPU time is what the kernel charged to the Locust process. Both are read at the same two moments, while all
users are connected. The variants themselves report nothing, so Locust's rounding and the end of a run do not matter.
The server has its own CPU, and answers several times as fast as either variant can send.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.measure import load
from bench.measure.fleet.processes import Child
from bench.selfbench import watched
from bench.selfbench.figures import Say, TargetRange, ratio
from bench.selfbench.setting import NullServer, Setting, null_server
from bench.selfbench.tally import ACCEPTED, ANSWERED, OPEN
from suite import waiting
from suite.errors import LoadError

USERS = 1000
ROUNDS = 12
WARM_UP_S = 1.0
WINDOW_S = 4.0
CONNECT_TIMEOUT_S = 30.0
LONGEST_S = 60.0  # every load ends by itself after at most this time
FASTHTTP_USER = Path(__file__).parents[1] / "fasthttp_user.py"

# Returns the command line of a load on an address, with its files in a folder.
Command = Callable[[str, Setting, Path], list[str]]


@dataclass(frozen=True)
class Usage:
    """Requests and CPU time of a window."""

    requests: int
    cpu_s: float
    length_s: float
    reconnects: int

    @property
    def requests_per_cpu_s(self) -> float:
        """Requests per second of CPU time."""
        return self.requests / self.cpu_s


def lean(url: str, setting: Setting, folder: Path) -> list[str]:
    """The command line of a cell: the lean client checks every body and records every request."""
    return watched.PointReadLoad(url, users=USERS, measure_s=LONGEST_S).command(setting, folder)


def unrecorded(url: str, setting: Setting, folder: Path) -> list[str]:
    """The same command line without samples."""
    command = lean(url, setting, folder)
    at = command.index("--samples")
    return command[:at] + command[at + 2 :]


def fasthttp(url: str, setting: Setting, folder: Path) -> list[str]:  # noqa: ARG001  # a Command
    """The command line of Locust's FastHttpUser, with the files that Locust writes for a cell."""
    return [
        sys.executable, "-m", "locust", "-f", str(FASTHTTP_USER), "--headless", "--users", str(USERS),
        "--spawn-rate", "1000", "--run-time", f"{LONGEST_S:.0f}s", "--csv", str(folder / "locust"),
        "--json-file", str(folder / "locust"), "--only-summary", "--host", url,
    ]  # fmt: skip


def against_fasthttp(setting: Setting, say: Say, rounds: int = ROUNDS) -> None:
    """Compare requests per CPU second: the lean client with all checks, and FastHttpUser as shipped."""
    say(f"requests per CPU second of the generator, {USERS} users: lean client, checked and recorded / FastHttpUser")
    pairs = _interleaved(setting, (lean, fasthttp), rounds)
    ours, theirs = ([pair[one] for pair in pairs] for one in (0, 1))
    say(_typical("lean", ours))
    say(_typical("FastHttpUser", theirs))
    ratios = [a.requests_per_cpu_s / b.requests_per_cpu_s for a, b in pairs]
    say(ratio("lean / FastHttpUser", ratios, TargetRange(low=3.0)))
    say(ratio("lean / FastHttpUser, the aim", ratios, TargetRange(low=4.5)))


def of_recording(setting: Setting, say: Say, rounds: int = ROUNDS) -> None:
    """Compare the CPU time of a request with and without samples."""
    say(f"CPU time of a request in the generator, {USERS} users: every request recorded / none")
    pairs = _interleaved(setting, (lean, unrecorded), rounds)
    say(_typical("recorded", [pair[0] for pair in pairs]))
    say(_typical("not recorded", [pair[1] for pair in pairs]))
    ratios = [without.requests_per_cpu_s / recorded.requests_per_cpu_s for recorded, without in pairs]
    say(ratio("recorded / not recorded", ratios, TargetRange(high=1.03)))


def _interleaved(setting: Setting, both: tuple[Command, Command], rounds: int) -> list[tuple[Usage, Usage]]:
    first, second = both
    pairs: list[tuple[Usage, Usage]] = []
    with null_server(setting) as server:
        for number in range(rounds):
            if number % 2:
                usage = _usage(second, server, setting)
                pairs.append((_usage(first, server, setting), usage))
            else:
                pairs.append((_usage(first, server, setting), _usage(second, server, setting)))
    return pairs


def _usage(command: Command, server: NullServer, setting: Setting) -> Usage:
    folder = setting.new_folder("locust")
    child = load.start(command(server.url, setting, folder), folder, setting.placed.load)
    try:
        _wait_for_connections(server, child, USERS)
        time.sleep(WARM_UP_S)
        process, words = psutil.Process(child.pid), server.tally
        began_s, accepted, requests, cpu_s = (
            time.perf_counter(),
            words[ACCEPTED],
            words[ANSWERED],
            watched.cpu_s(process),
        )
        time.sleep(WINDOW_S)
        usage = Usage(
            reconnects=words[ACCEPTED] - accepted,
            requests=words[ANSWERED] - requests,
            cpu_s=watched.cpu_s(process) - cpu_s,
            length_s=time.perf_counter() - began_s,
        )
        if child.exit_code() is not None or not usage.requests:
            raise LoadError(f"the load broke off:\n{child.log_tail()}")
    finally:
        child.kill()  # its own statistics are not needed
        _wait_for_connections(server, None, 0)
    return usage


def _wait_for_connections(server: NullServer, child: Child | None, number: int) -> None:
    def connected() -> bool:
        server.check_alive()
        if child is not None and child.exit_code() is not None:
            raise LoadError(f"Locust ended with exit code {child.exit_code()}:\n{child.log_tail()}")
        return server.tally[OPEN] == number

    if not waiting.until(connected, CONNECT_TIMEOUT_S):
        raise LoadError(f"{server.tally[OPEN]} connections are open instead of {number}")


def _typical(label: str, usages: list[Usage]) -> str:
    middle = sorted(usages, key=lambda usage: usage.requests_per_cpu_s)[len(usages) // 2]
    return (
        f"  {label}: median {middle.requests_per_cpu_s:,.0f} requests per CPU second ({middle.requests:,} requests,"
        f" {middle.cpu_s:.2f} CPU s in {middle.length_s:.2f} s; {sum(one.reconnects for one in usages)} reconnects)"
    )
