"""Runs that bench starts: write samples to the file it named, and end when its window has passed."""

import random
import time
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from locustfiles._samples import Recorder, SampleFile

RECORDER = Recorder()
FLUSH_EVERY_S = 1.0


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Record to the file that --samples names; without it, keep nothing."""
    # gevent's clock has stood still since before the imports: a --run-time would count from then.
    gevent.get_hub().loop.update_now()
    options = environment.parsed_options
    if options is None or not options.samples:
        return
    random.seed(options.load_seed)  # Locust itself chooses each user's next task
    file = SampleFile(Path(options.samples))
    runner = environment.runner
    assert runner is not None  # noqa: S101  # Locust sets it before it fires `init`

    def mark(event: str) -> None:
        file.mark(event, time.perf_counter_ns(), runner.user_count)

    def flush_for_ever() -> None:
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            file.append(RECORDER.take())

    def end_after_window(**_: Any) -> None:
        mark("spawned")
        gevent.sleep(options.warm_up_s + options.measure_s)
        mark("stopping")
        runner.quit()

    def on_quitting(**_: Any) -> None:
        file.append(RECORDER.take())
        mark("ended")

    gevent.spawn(flush_for_ever)
    environment.events.spawning_complete.add_listener(lambda **kwargs: gevent.spawn(end_after_window, **kwargs))
    environment.events.quitting.add_listener(on_quitting)
