"""Runs that bench starts: write samples to the file it named, and end when its window has passed.

Workers hand their samples to the master in Locust's own report messages, so that one process, `--processes N` and
several hosts leave the same file.
"""

import random
import time
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from locustfiles import _clock
from locustfiles._pacing import PACING
from locustfiles._samples import RECORDER, Chunk, SampleFile

FLUSH_EVERY_S = 1.0
FINISH_MARGIN_S = 5.0
TAIL_S = 0.25  # the load goes on a little beyond its window, so that stopping leaves no mark in it


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Record to the file that --samples names; without it, keep nothing."""
    # gevent's clock has stood still since before the imports: a --run-time would count from then.
    gevent.get_hub().loop.update_now()
    options, runner = environment.parsed_options, environment.runner
    if isinstance(runner, WorkerRunner):
        environment.events.report_to_master.add_listener(report_samples)
        runner.register_message("finish", finish, concurrent=True)
    elif options is not None and options.samples:
        random.seed(options.load_seed)  # Locust itself chooses each user's next task
        _keep(environment, SampleFile(Path(options.samples)))


def report_samples(data: dict[str, Any], **_: Any) -> None:
    """Put a worker's samples into its report."""
    if chunk := RECORDER.take():
        data["samples"] = chunk.as_message()
        data["clock"] = _clock.reading()


def finish(environment: Environment, **_: Any) -> None:
    """On a worker: stop its users, wait for their last answers, hand over what is left."""
    runner = environment.runner
    assert isinstance(runner, WorkerRunner)  # noqa: S101  # only workers listen
    runner.stop()
    last: dict[str, Any] = {}
    report_samples(last)
    runner.send_message("finished", last)


def _keep(environment: Environment, file: SampleFile) -> None:
    options, runner = environment.parsed_options, environment.runner
    assert options is not None  # noqa: S101  # `on_init` saw them
    assert runner is not None  # noqa: S101  # Locust sets it before it fires `init`

    def mark(event: str) -> None:
        file.mark(event, time.perf_counter_ns(), runner.user_count)

    def flush_for_ever() -> None:
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            file.append(RECORDER.take())

    finished: set[str] = set()

    def on_worker_report(data: dict[str, Any], **_: Any) -> None:
        if "samples" in data:
            file.append(Chunk(**data["samples"]), _clock.offset_ns(data["clock"]))

    def on_finished(msg: Message, **_: Any) -> None:
        on_worker_report(msg.data)
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
        file.append(RECORDER.take())
        mark("ended")

    if isinstance(runner, MasterRunner):
        runner.register_message("finished", on_finished)
    gevent.spawn(flush_for_ever)
    environment.events.worker_report.add_listener(on_worker_report)
    environment.events.spawning_complete.add_listener(lambda **kwargs: gevent.spawn(end_after_window, **kwargs))
    environment.events.quitting.add_listener(on_quitting)
