"""Runs that bench starts: write samples to the file it named, and end when its window has passed.

Workers hand their samples to the master in Locust's own report messages, so that one process, `--processes N` and
several hosts leave the same file.
"""

import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from locustfiles import _clock
from locustfiles._http import Client
from locustfiles._pacing import PACING
from locustfiles._samples import RECORDER, Chunk, SampleFile, joined
from locustfiles._statistics import count

COLLECT_EVERY_S = 0.2  # little each time: a whole second's samples would hold up the load for milliseconds
FINISH_MARGIN_S = 5.0
TAIL_S = 0.25  # the load goes on a little beyond its window, so that stopping leaves no mark in it


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Record to the file that --samples names; without it, keep nothing."""
    # gevent's clock has stood still since before the imports: a --run-time would count from then.
    gevent.get_hub().loop.update_now()
    options, runner = environment.parsed_options, environment.runner
    environment.events.test_start.add_listener(forget_reconnects)
    environment.events.test_stop.add_listener(say_reconnects)
    if isinstance(runner, WorkerRunner):
        _hand_over(environment, runner)
    elif options is not None and options.samples:
        random.seed(options.load_seed)  # Locust itself chooses each user's next task
        _keep(environment, SampleFile(Path(options.samples)))


def forget_reconnects(**_: Any) -> None:
    """A test begins."""
    Client.reconnects_of_all = 0


def say_reconnects(**_: Any) -> None:
    """In Locust's log, which its web UI shows too."""
    if Client.reconnects_of_all:
        message = "%s connections that the service had closed while idle were opened again"
        logging.getLogger(__name__).info(message, Client.reconnects_of_all)


def _hand_over(environment: Environment, runner: WorkerRunner) -> None:
    """On a worker: put its samples into its reports."""
    waiting: list[Chunk] = []

    def collect() -> None:
        waiting.extend(_counted(environment))

    def report(data: dict[str, Any], **_: Any) -> None:
        collect()
        data["reconnects"] = Client.reconnects_of_all
        if waiting:
            data["samples"] = joined(waiting)._asdict()
            data["clock"] = _clock.reading()
            waiting.clear()

    def finish(**_: Any) -> None:
        """Stop the users, wait for their last answers, hand over what is left."""
        runner.stop()
        last: dict[str, Any] = {}
        report(last)
        runner.send_message("finished", last)

    gevent.spawn(_repeat, collect)
    environment.events.report_to_master.add_listener(report)
    runner.register_message("finish", finish, concurrent=True)


def _repeat(collect: Callable[[], None]) -> None:
    while True:
        gevent.sleep(COLLECT_EVERY_S)
        collect()


def _counted(environment: Environment) -> list[Chunk]:
    """What was recorded since the last call, known to Locust's statistics from now on."""
    chunk = RECORDER.take()
    if chunk is None:
        return []
    count(environment.stats, chunk)
    return [chunk]


def _keep(environment: Environment, file: SampleFile) -> None:
    options, runner = environment.parsed_options, environment.runner
    assert options is not None  # noqa: S101  # `on_init` saw them
    assert runner is not None  # noqa: S101  # Locust sets it before it fires `init`

    reconnects_of_workers: dict[str, int] = {}

    def mark(event: str) -> None:
        reconnects = Client.reconnects_of_all + sum(reconnects_of_workers.values())
        file.mark(event, time.perf_counter_ns(), runner.user_count, reconnects)

    def collect() -> None:
        for chunk in _counted(environment):
            file.append(chunk)

    finished: set[str] = set()

    def on_worker_report(client_id: str, data: dict[str, Any]) -> None:
        reconnects_of_workers[client_id] = data.get("reconnects", 0)
        if "samples" in data:
            file.append(Chunk(**data["samples"]), _clock.offset_ns(data["clock"]))

    def on_finished(msg: Message, **_: Any) -> None:
        on_worker_report(msg.node_id, msg.data)
        finished.add(msg.node_id)

    def finish_workers(workers: int) -> None:
        """Before `quit`, which gives workers half a second: have their users' last requests answered and recorded."""
        runner.send_message("finish")
        deadline = time.monotonic() + environment.stop_timeout + FINISH_MARGIN_S
        while len(finished) < workers and time.monotonic() < deadline:
            gevent.sleep(0.05)

    def end_after_window(**_: Any) -> None:
        mark("spawned")
        if options.arrival == "batch":
            PACING.wait_until_answered(options.arrivals)
        else:
            gevent.sleep(options.warm_up_s + options.measure_s + TAIL_S)
        mark("stopping")
        if isinstance(runner, MasterRunner):
            finish_workers(runner.worker_count)
        runner.quit()

    def on_quitting(**_: Any) -> None:
        collect()
        mark("ended")

    if isinstance(runner, MasterRunner):
        runner.register_message("finished", on_finished)
    gevent.spawn(_repeat, collect)
    environment.events.worker_report.add_listener(on_worker_report)
    environment.events.spawning_complete.add_listener(lambda **kwargs: gevent.spawn(end_after_window, **kwargs))
    environment.events.quitting.add_listener(on_quitting)
