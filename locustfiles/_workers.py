"""Locust's workers, seen by their master: which joined, which were lost, their users, their CPU time."""

import time
from collections.abc import Callable
from typing import Any

from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from locustfiles import _clock


class Workers:
    """Watches the workers until the load ends, and reports each of their events to `note` at once.

    `note` gets an event, its time (ns, monotonic), the worker's name, and more details. The name of a worker has its
    host and its number in the order of joining.
    """

    def __init__(self, environment: Environment, runner: MasterRunner, note: Callable[..., None]) -> None:
        self._runner, self._note = runner, note
        self._last_seen_ns: dict[str, int] = {}
        self._joined: list[str] = []
        self._lag_ns: dict[str, int] = {}
        self._finished: set[str] = set()
        self._lost: set[str] = set()
        environment.events.heartbeat_sent.add_listener(self._on_heartbeat)  # sent as the answer to the worker's own

    def look(self) -> None:
        """Note which workers have joined, and which were lost."""
        for client_id in list(self._runner.clients.keys()):
            if client_id not in self._joined:
                self._joined.append(client_id)
                self._note(
                    "joined", self._last_seen_ns.setdefault(client_id, time.perf_counter_ns()), self.name(client_id)
                )
        for client_id in self._joined:
            if self._is_gone(client_id) and client_id not in self._lost | self._finished:
                self._lost.add(client_id)
                self._note("lost", self._last_seen_ns[client_id], self.name(client_id))

    def add_report(self, client_id: str, data: dict[str, Any]) -> None:
        """Keep a worker's report: its clock, and its CPU time at some moments."""
        self.look()
        theirs = data["clock"]
        offset_ns = _clock.offset_ns(theirs)
        # Reports have a delay in the network: the quickest one gives the best difference of the clocks.
        lag_ns = time.time_ns() - theirs["wall_ns"] if theirs["boot"] != _clock.boot() else 0
        self._lag_ns[client_id] = min(lag_ns, self._lag_ns.get(client_id, lag_ns))
        for at_ns, cpu_s in data["cpu"]:
            self._note("used", at_ns + offset_ns, self.name(client_id), cpu_s=cpu_s)

    def finish(self, client_id: str) -> None:
        """Note that a worker has sent all its samples."""
        self._finished.add(client_id)

    def all_finished(self) -> bool:
        """Whether every worker has finished or was lost."""
        self.look()
        return set(self._joined) <= self._finished | self._lost

    def is_lost(self, client_id: str) -> bool:
        """Whether a worker ended, or was not heard of any more, before its load did."""
        return client_id in self._lost

    def facts(self) -> dict[str, dict[str, int]]:
        """Users of each worker, and how far its clock is behind this machine's (ns), including the network delay."""
        return {
            self.name(client_id): {"users": node.user_count, "clock_lag_ns": self._lag_ns.get(client_id, 0)}
            for client_id, node in self._runner.clients.items()
        }

    def name(self, client_id: str) -> str:
        """The name of a worker for readers: its host, and a number."""
        return f"{client_id.rpartition('_')[0]}-{self._runner.get_worker_index(client_id)}"

    def _is_gone(self, client_id: str) -> bool:
        node = self._runner.clients.get(client_id)
        return node is None or node.state == STATE_MISSING

    def _on_heartbeat(self, client_id: str, **_: Any) -> None:
        self._last_seen_ns[client_id] = time.perf_counter_ns()
