"""The arrival model of a test: built when the test starts, from the options or the web UI's form."""

import logging
import random
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import Semaphore
from locust import events
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from locustfiles._arrivals import Arrivals, batch_ns, offsets_ns
from locustfiles._samples import RECORDER
from locustfiles._targets import SHARES, worker_index
from suite.arrival import Arrival
from suite.records import MISSED

POLL_EVERY_S = 0.05
FIRST_USERS = 10


class Pacing:
    """Makes users wait until their next request is due. In the closed model they never wait."""

    def __init__(self) -> None:
        self._arrivals: dict[str, Arrivals] | None = None
        self._test = 0
        self._all_connected = Event()
        self._holding = False
        self._connected = 0
        self._to_begin = 0
        self._places = Semaphore(FIRST_USERS)
        self._answered = 0
        self._answered_by_workers: dict[str, int] = {}
        self._users_before = 0

    def prepare(self, environment: Environment) -> None:
        """Prepare for a new test. Its users wait until `begin`."""
        options = environment.parsed_options
        self._test += 1
        self._answered, self._answered_by_workers = 0, {}
        self._all_connected.clear()
        self._connected, self._holding = 0, False
        self._to_begin, self._places = 0, Semaphore(FIRST_USERS)
        closed = options is None or options.arrival == Arrival.CLOSED or isinstance(environment.runner, MasterRunner)
        self._arrivals = None if closed else {}

    def begin(self, environment: Environment, all_users: int) -> None:
        """Start the schedule: all users have started. Each process sends the share of its users.

        The shares of a batch are cut where the users of one worker end and those of the next begin, so they add up.
        """
        if not (environment.parsed_options and environment.parsed_options.turns):
            self.let_go()
        options, runner = environment.parsed_options, environment.runner
        if self._arrivals is None or options is None or runner is None:
            return
        mine, before, all_users = runner.user_count, self._users_before, max(all_users, 1)
        if not mine:
            return
        share = mine / all_users
        first, last = (options.arrivals * users // all_users for users in (before, before + mine))
        names = SHARES.names()
        for place, name in enumerate(names):  # services side by side: each gets its part of the rate
            seed = "/".join(filter(None, (f"{options.load_seed}/arrivals/{worker_index(environment)}", name)))
            chance = random.Random(seed)  # noqa: S311  # no secrets
            part, phase = share / len(names), (before / all_users + place) / len(names)
            if options.arrival == Arrival.OPEN:
                schedule = offsets_ns(options.rate * part, options.spacing, chance, phase)
            else:
                size = last - first
                number = size * (place + 1) // len(names) - size * place // len(names)
                schedule = batch_ns(number, options.batch_rate * part, options.spacing, chance, phase)
            self._arrivals_of(name).follow(schedule)

    def set_users_before(self, users_before: int) -> None:
        """Set how many users of other processes come before those of this one."""
        self._users_before = users_before

    def _arrivals_of(self, target: str) -> Arrivals:
        assert self._arrivals is not None  # noqa: S101  # not the closed model
        return self._arrivals.setdefault(target, Arrivals())

    def end(self, environment: Environment) -> None:
        """End the arrivals. Those that no user took are recorded as missed, or logged."""
        if self._arrivals is None:
            return
        missed = [due_ns for arrivals in self._arrivals.values() for due_ns in arrivals.close()]
        if environment.parsed_options is not None and environment.parsed_options.samples:
            for due_ns in missed:
                RECORDER.add("", "", due_ns, due_ns, due_ns, 0, 0, MISSED)
        elif missed:
            message = (
                "%s arrivals were due and never sent, because every user was waiting for an answer; no row counts them"
            )
            logging.getLogger(__name__).warning(message, len(missed))

    def let_go(self) -> None:
        """Let the users send."""
        self._all_connected.set()

    def hold(self) -> None:
        """Let no user of the closed model send any more. Those that wait for an answer still get it."""
        self._holding = True

    def wait_until_connected(self, users: int) -> None:
        """Wait until so many users have connected."""
        while self._connected < users:
            gevent.sleep(POLL_EVERY_S)

    def wait_for_all(self) -> None:
        """Wait until every user is connected, and may send.

        A busy service accepts few new connections (uvloop: one in each turn of its loop). Later users would wait in its
        queue for the whole test while the first ones keep it busy, and they would not be measured.
        """
        self._connected += 1
        self._all_connected.wait()

    def wait_to_begin(self, least_s: float, most_s: float) -> None:
        """Wait until a user of the closed model may begin: for `least_s`, and until it has a place.

        FIRST_USERS have one at once; then each answer gives one more. So all users begin over at least one response
        time, however slow the service is. For a place they wait at most `most_s`.
        """
        self._to_begin += 1
        gevent.sleep(least_s)
        self._places.acquire(timeout=most_s)
        self._to_begin -= 1

    def ended(self, *, due: bool) -> None:
        """Note that a request has ended. `due`: an arrival's."""
        self._answered += due
        if self._to_begin:
            self._places.release()

    def take(self, target: str) -> int:
        """Wait for the next arrival at this target. Returns when it was due, or 0 in the closed model."""
        if self._arrivals is not None:
            return self._arrivals_of(target).take()
        if self._holding:
            Event().wait()  # until Locust ends this user
        return 0

    def waiting(self) -> tuple[int, int]:
        """How many arrivals no user has taken yet, and when the oldest was due (0: there is none)."""
        each = [arrivals.waiting() for arrivals in (self._arrivals or {}).values()]
        return sum(count for count, _ in each), min((due_ns for _, due_ns in each if due_ns), default=0)

    def report(self, data: dict[str, Any]) -> None:
        """Report to the master how many requests have ended here."""
        data["answered"] = self._answered

    def add_report(self, client_id: str, data: dict[str, Any]) -> None:
        """Keep a worker's report of how many requests have ended there."""
        self._answered_by_workers[client_id] = data.get("answered", 0)

    def wait_until_answered(self, arrivals: int) -> bool:
        """Wait until this many requests have ended, here and at the workers. False if another test began before."""
        test = self._test
        while self._answered + sum(self._answered_by_workers.values()) < arrivals:
            gevent.sleep(POLL_EVERY_S)
            if self._test != test:
                return False
        return True


PACING = Pacing()


def send_places(runner: MasterRunner) -> None:
    """Send each worker how many users come before its own. Workers get this before the start of the schedule."""
    before = 0
    for client_id, node in runner.clients.items():
        runner.send_message("place", {"users_before": before}, client_id)
        before += node.user_count


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Register listeners for the beginning and the end of tests."""
    listen = environment.events
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("place", _on_place)
    elif isinstance(runner := environment.runner, MasterRunner):
        listen.spawning_complete.add_listener(lambda **_: send_places(runner))
    listen.test_start.add_listener(lambda **_: PACING.prepare(environment))
    listen.spawning_complete.add_listener(lambda user_count, **_: PACING.begin(environment, user_count))
    listen.test_stopping.add_listener(lambda **_: PACING.end(environment))
    if isinstance(environment.runner, WorkerRunner):
        listen.report_to_master.add_listener(lambda data, **_: PACING.report(data))
    else:
        listen.worker_report.add_listener(lambda client_id, data, **_: PACING.add_report(client_id, data))
        listen.spawning_complete.add_listener(lambda **_: gevent.spawn(_end_batch, environment))


def _on_place(msg: Message, **_: Any) -> None:
    PACING.set_users_before(msg.data["users_before"])


def _end_batch(environment: Environment) -> None:
    """End a plain batch when all requests are answered. A batch with --samples ends by itself."""
    options, runner = environment.parsed_options, environment.runner
    if options is None or runner is None or options.arrival != Arrival.BATCH or options.samples:
        return
    if not PACING.wait_until_answered(options.arrivals):
        return
    if options.headless:
        runner.quit()
    else:
        runner.stop()
