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
from locust.runners import MasterRunner, WorkerRunner

from locustfiles import _clock
from locustfiles._samples import Chunk, Recorder, SampleFile

RECORDER = Recorder()
FLUSH_EVERY_S = 1.0


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Record to the file that --samples names; without it, keep nothing."""
    # gevent's clock has stood still since before the imports: a --run-time would count from then.
    gevent.get_hub().loop.update_now()
    options, runner = environment.parsed_options, environment.runner
    if isinstance(runner, WorkerRunner):
        environment.events.report_to_master.add_listener(report_samples)
    elif options is not None and options.samples:
        random.seed(options.load_seed)  # Locust itself chooses each user's next task
        _keep(environment, SampleFile(Path(options.samples)))


def report_samples(data: dict[str, Any], **_: Any) -> None:
    """Put a worker's samples into its report."""
    if chunk := RECORDER.take():
        data["samples"] = chunk.as_message()
        data["clock"] = _clock.reading()


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

    def on_worker_report(data: dict[str, Any], **_: Any) -> None:
        if "samples" in data:
            file.append(Chunk(**data["samples"]), _clock.offset_ns(data["clock"]))

    def end_after_window(**_: Any) -> None:
        mark("spawned")
        gevent.sleep(options.warm_up_s + options.measure_s)
        mark("stopping")
        if isinstance(runner, MasterRunner):
            runner.stop()  # and wait for the workers' last requests, for which `quit` has no patience
        runner.quit()

    def on_quitting(**_: Any) -> None:
        file.append(RECORDER.take())
        mark("ended")

    gevent.spawn(flush_for_ever)
    environment.events.worker_report.add_listener(on_worker_report)
    environment.events.spawning_complete.add_listener(lambda **kwargs: gevent.spawn(end_after_window, **kwargs))
    environment.events.quitting.add_listener(on_quitting)
