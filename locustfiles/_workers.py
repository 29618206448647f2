"""Locust's workers as their master sees them: who joined, who was lost, how many users each has, what each uses."""

import time
from collections.abc import Callable
from typing import Any

from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from locustfiles import _clock


class Workers:
    """Looked after until the load ends; whatever happens to a worker is told to `note` at once.

    `note` takes an event, when it was (ns, monotonic), the worker's name, and what else there is to say. A worker is
    named after its host and the order in which workers joined.
    """

    def __init__(self, environment: Environment, runner: MasterRunner, note: Callable[..., None]) -> None:
        self._runner, self._note = runner, note
        self._heard_ns: dict[str, int] = {}
        self._joined: list[str] = []
        self._lag_ns: dict[str, int] = {}
        self._finished: set[str] = set()
        self._lost: set[str] = set()
        environment.events.heartbeat_sent.add_listener(self._on_heartbeat)  # as an answer to the worker's own

    def look(self) -> None:
        """Note who has come and who has gone."""
        for client_id in list(self._runner.clients.keys()):
            if client_id not in self._joined:
                self._joined.append(client_id)
                self._note("joined", self._heard_ns.setdefault(client_id, time.perf_counter_ns()), self.name(client_id))
        for client_id in self._joined:
            if self._gone(client_id) and client_id not in self._lost | self._finished:
                self._lost.add(client_id)
                self._note("lost", self._heard_ns[client_id], self.name(client_id))

    def hear(self, client_id: str, data: dict[str, Any]) -> None:
        """A worker's report: its clock, and the CPU time that it had used at some moments."""
        self.look()
        theirs = data["clock"]
        offset_ns = _clock.offset_ns(theirs)
        # A report takes its time on the way; the quickest one says most of how far the clocks are apart.
        lag_ns = time.time_ns() - theirs["wall_ns"] if theirs["boot"] != _clock.boot() else 0
        self._lag_ns[client_id] = min(lag_ns, self._lag_ns.get(client_id, lag_ns))
        for at_ns, cpu_s in data["cpu"]:
            self._note("used", at_ns + offset_ns, self.name(client_id), cpu_s=cpu_s)

    def finish(self, client_id: str) -> None:
        """A worker has handed over everything."""
        self._finished.add(client_id)

    def all_finished(self) -> bool:
        """Whether nobody is left to wait for."""
        self.look()
        return set(self._joined) <= self._finished | self._lost

    def facts(self) -> dict[str, dict[str, int]]:
        """Users of each worker, and how far its clock seems to be behind this machine's (ns), the way included."""
        return {
            self.name(client_id): {"users": node.user_count, "clock_lag_ns": self._lag_ns.get(client_id, 0)}
            for client_id, node in self._runner.clients.items()
        }

    def name(self, client_id: str) -> str:
        """For people: the host, and a number."""
        return f"{client_id.rpartition('_')[0]}-{self._runner.get_worker_index(client_id)}"

    def _gone(self, client_id: str) -> bool:
        node = self._runner.clients.get(client_id)
        return node is None or node.state == STATE_MISSING

    def _on_heartbeat(self, client_id: str, **_: Any) -> None:
        self._heard_ns[client_id] = time.perf_counter_ns()
