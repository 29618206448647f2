"""Loads that bench starts: they write samples to a file, and end when all requests of their window have ended.

Workers send their samples to the master in Locust's report messages, so one process, `--processes N` and several hosts
all write the same kind of file.
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
from locust.runners import MasterRunner, Runner, WorkerRunner

from locustfiles import _clock, _commands, _phases
from locustfiles._http import Client
from locustfiles._ledger import LEDGER, LedgerState, shifted
from locustfiles._pacing import PACING
from locustfiles._samples import RECORDER, Chunk, SampleFile, joined
from locustfiles._statistics import count
from locustfiles._workers import Workers
from suite import load_commands, waiting
from suite.arrival import Arrival
from suite.records import PACKER

CPU_EVERY_NS = 500_000_000
COLLECT_EVERY_S = 0.2  # few at a time: the samples of a whole second would delay the load by milliseconds
FINISH_MARGIN_S = 5.0
TAIL_S = 0.25  # the load goes on a little after its window, so that stopping does not affect the window


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Record to the file in --samples. Without that option, nothing is recorded."""
    # gevent's clock has not been updated since the imports: a --run-time would count from before them.
    gevent.get_hub().loop.update_now()
    options, runner = environment.parsed_options, environment.runner
    environment.events.test_start.add_listener(reset_counters)
    environment.events.test_stop.add_listener(log_reconnects)
    if isinstance(runner, WorkerRunner):
        _send_to_master(environment, runner)
    elif options is not None and options.samples and runner is not None:
        random.seed(options.load_seed)  # Locust itself chooses each user's next task
        SampleWriter(environment, runner, SampleFile(Path(options.samples))).listen()


def reset_counters(**_: Any) -> None:
    """Reset what this process counts, because a test begins."""
    Client.reconnects_of_all = 0
    LEDGER.reset()


def ledger_now() -> LedgerState:
    """What this process has begun and not ended yet."""
    return LEDGER.state(*PACING.waiting())


def log_reconnects(**_: Any) -> None:
    """Write the number to Locust's log, which its web UI also shows."""
    if Client.reconnects_of_all:
        message = "%s connections that the service had closed while idle were opened again"
        logging.getLogger(__name__).info(message, Client.reconnects_of_all)


def _send_to_master(environment: Environment, runner: WorkerRunner) -> None:
    """On a worker: add its samples to its reports."""
    waiting: list[Chunk] = []
    cpu: list[tuple[int, float]] = []
    looked_ns = recorded = 0

    def collect() -> None:
        nonlocal looked_ns, recorded
        taken = _counted(environment)
        recorded += sum(len(chunk.packed) // PACKER.size for chunk in taken)
        waiting.extend(taken)
        if (now_ns := time.perf_counter_ns()) - looked_ns >= CPU_EVERY_NS:
            looked_ns = now_ns
            cpu.append((now_ns, time.process_time()))

    def report(data: dict[str, Any], **_: Any) -> None:
        collect()
        data["reconnects"] = Client.reconnects_of_all
        data["ledger"] = ledger_now()._asdict()
        data["clock"] = _clock.reading()
        data["cpu"] = list(cpu)
        cpu.clear()
        if waiting:
            data["samples"] = joined(waiting)._asdict()
            waiting.clear()

    def begin(**_: Any) -> None:
        options = environment.parsed_options
        if options is not None:  # from now on, they are the master's options
            random.seed(f"{options.load_seed}/{runner.worker_index}")

    def finish(**_: Any) -> None:
        """Stop the users, wait for their last answers, send the remaining samples."""
        runner.stop()
        last: dict[str, Any] = {}
        report(last)
        runner.send_message("finished", last)
        logging.getLogger(__name__).info("%s requests recorded by this worker", recorded)

    gevent.spawn(_repeat, collect)
    environment.events.test_start.add_listener(begin)
    environment.events.report_to_master.add_listener(report)
    runner.register_message("finish", finish, concurrent=True)


def _repeat(collect: Callable[[], None]) -> None:
    while True:
        gevent.sleep(COLLECT_EVERY_S)
        collect()


def _counted(environment: Environment) -> list[Chunk]:
    """The samples since the last call. They are added to Locust's statistics."""
    chunk = RECORDER.take()
    if chunk is None:
        return []
    count(environment.stats, chunk)
    return [chunk]


class SampleWriter:
    """Writes samples and marks to the file, and ends the load. It runs in the master or in a single process."""

    def __init__(self, environment: Environment, runner: Runner, file: SampleFile) -> None:
        self._environment, self._runner, self._file = environment, runner, file
        self._options: Any = environment.parsed_options
        self._workers = Workers(environment, runner, self._mark_worker) if isinstance(runner, MasterRunner) else None
        self._reconnects_of_workers: dict[str, int] = {}
        self._ledgers: dict[str, tuple[int, LedgerState]] = {}  # with the time of the report (ns, our clock)
        self._begun = self._ended = False

    def listen(self) -> None:
        """Register all listeners."""
        gevent.spawn(_repeat, self._collect)
        events = self._environment.events
        events.worker_report.add_listener(self._on_worker_report)
        events.spawning_complete.add_listener(lambda **_: gevent.spawn(self._end_after_window))
        events.quitting.add_listener(self._on_quitting)
        if self._workers:
            self._runner.register_message("finished", self._on_finished)

    def _mark_worker(self, event: str, at_ns: int, worker: str, **more: Any) -> None:
        self._file.mark(event, at_ns, self._runner.user_count, worker=worker, **more)

    def _ledger(self) -> LedgerState:
        """Of all processes, as far as they have reported."""
        whole = ledger_now()
        for name, (_, reported) in self._ledgers.items():
            whole = whole.plus(reported._replace(open=0, oldest_ns=0) if self._is_lost(name) else reported)
        return whole

    def _is_lost(self, client_id: str) -> bool:
        return self._workers is not None and self._workers.is_lost(client_id)

    def _ledger_after(self, end_ns: int) -> LedgerState:
        """Of all processes. A worker that has not reported since `end_ns` may still have a request from before."""
        whole = self._ledger()
        stale = [at_ns for name, (at_ns, _) in self._ledgers.items() if at_ns < end_ns and not self._is_lost(name)]
        return whole._replace(oldest_ns=min(one for one in (*stale, whole.oldest_ns) if one)) if stale else whole

    def _mark(self, event: str) -> None:
        reconnects = Client.reconnects_of_all + sum(self._reconnects_of_workers.values())
        more: dict[str, Any] = {"begun": self._ledger().begun}
        if self._workers:
            more["workers"] = self._workers.facts()
        self._file.mark(event, time.perf_counter_ns(), self._runner.user_count, reconnects, **more)

    def _collect(self) -> None:
        if self._workers and not self._ended:
            self._workers.look()
        for chunk in _counted(self._environment):
            self._file.append(chunk)

    def _on_worker_report(self, client_id: str, data: dict[str, Any]) -> None:
        self._reconnects_of_workers[client_id] = data.get("reconnects", 0)
        offset_ns = _clock.offset_ns(data["clock"])
        at_ns = data["clock"]["monotonic_ns"] + offset_ns
        if at_ns >= self._ledgers.get(client_id, (at_ns,))[0]:  # a report may be overtaken by the last one
            self._ledgers[client_id] = at_ns, shifted(data["ledger"], offset_ns)
        if "samples" in data:
            self._file.append(Chunk(**data["samples"]), offset_ns)
        if self._workers:
            self._workers.add_report(client_id, data)

    def _on_finished(self, msg: Message, **_: Any) -> None:
        self._on_worker_report(msg.node_id, msg.data)
        if self._workers:
            self._workers.finish(msg.node_id)

    def _finish(self, workers: Workers) -> None:
        """Wait until the workers' last requests are answered and recorded: `quit` gives them only half a second."""
        self._runner.send_message("finish")
        waiting.until(workers.all_finished, self._environment.stop_timeout + FINISH_MARGIN_S, sleep=gevent.sleep)

    def _end_after_window(self) -> None:
        if self._begun:  # Locust redistributes users when a worker joins or leaves
            return
        self._begun = True
        options = self._options
        self._mark("spawned")
        if options.arrival == Arrival.BATCH:
            PACING.wait_until_answered(options.arrivals)
        elif options.turns:
            self._take_turns()
        else:
            self._measure()
        self._mark("stopping")
        if self._workers:
            self._finish(self._workers)
        self._ended = True
        self._runner.quit()

    def _measure(self) -> None:
        """Warm up, measure, and go on until the requests of the window have ended."""
        options = self._options
        _phases.warm_up(self._ledger, options.warm_up_s, options.warm_up_most_s)
        self._mark("measuring")
        end_ns = time.perf_counter_ns() + round(options.measure_s * 1e9)
        gevent.sleep(options.measure_s + TAIL_S)
        self._drain(end_ns)

    def _take_turns(self) -> None:
        """Warm up and end when bench says so.

        Users begin in the first turn, spread as in any other load. If all began while their service was frozen, it
        would get their requests at once, and a service with several queues in a row would never stop serving in waves.
        """
        options = self._options
        before = 0
        PACING.wait_until_connected(self._runner.user_count)
        self._mark("connected")
        for command in _commands.told():
            if command == load_commands.END:
                break
            PACING.let_go()
            _phases.warm_up(self._ledger, options.warm_up_s, options.warm_up_most_s)
            self._mark("measuring")
            before = LEDGER.begun
        self._end_turns(time.perf_counter_ns(), LEDGER.begun - before)

    def _end_turns(self, end_ns: int, begun: int) -> None:
        """Some requests may wait ten times as long as others. For the last few of the slices nothing more is sent."""
        _phases.wait_until_few(self._ledger, lambda: LEDGER.open_since_before(end_ns), begun, self._options.drain_s)
        PACING.hold()
        self._drain(end_ns)

    def _drain(self, end_ns: int) -> None:
        self._mark("draining")
        _phases.wait_for_window(lambda: self._ledger_after(end_ns), end_ns, self._options.drain_s)

    def _on_quitting(self, **_: Any) -> None:
        self._collect()
        self._mark("ended")
