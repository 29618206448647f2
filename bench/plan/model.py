"""A plan: what to measure, under which load, how often. Checked once, then frozen."""

import re
import shlex
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from bench.plan import address, servers
from bench.plan.claims import Claim
from suite.arrival import Arrival

Scalar = str | int | float
Profile = Literal["idiomatic", "lean"]
GarbageCollection = Literal["default", "freeze"]
Pooler = Literal["none", "transaction"]
EventLoop = Literal["uvloop", "asyncio"]
GC: GarbageCollection = "default"
"""Of a plan that does not say; bench/plan/matrix.py has what runs had before there was a choice."""
USUAL = "usual"
"""The driver that a service has where no plan says otherwise."""
Count = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_IN_TIMELINE = 1000  # matching requests to samples takes a second then


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _listed(value: Any) -> Any:
    """Let an axis with one value be written without brackets."""
    return value if isinstance(value, list) else [value]


class Matrix(_Section):
    """The axes; every combination is a cell. `parameters` are the scenarios' own; a cell has those of its scenario.

    `driver`: a service that can run on several has a cell for each of these that it knows, else one for its usual one.
    `database_rtt_ms` puts a relay between services and database that adds so much to every round trip; without it they
    are connected directly. `external_delay_s` is how long the external API takes that services call. `gc`: Python's own
    garbage collection, or one that leaves out whatever exists when the service has started. `pooler`: services have
    their library's settings for a pooler in transaction mode between them and PostgreSQL, whether or not one is there.
    `loop` is the event loop on which the server runs the service.
    """

    scenarios: list[str] = Field(min_length=1)
    services: list[str] = []
    profile: list[Profile] = ["idiomatic"]
    driver: list[Text] = [USUAL]
    server: list[Annotated[str, BeforeValidator(servers.checked)]] = [servers.DEFAULT.name]
    loop: list[EventLoop] = ["uvloop"]
    workers: list[Count] = [1]
    pool_size: list[Count] = [10]
    pool_overflow: list[Annotated[int, Field(ge=0)]] = [0]
    pool_timeout_s: list[Seconds] = [30.0]
    threads: list[Count] = [40]
    gc: list[GarbageCollection] = [GC]
    pooler: list[Pooler] = ["none"]
    database_rtt_ms: list[Annotated[float, Field(ge=0, le=1000)] | None] = [None]
    external_delay_s: list[Annotated[float, Field(ge=0, le=60)]] = [5.0]
    users: list[Count] = [1000]
    parameters: dict[str, list[Scalar]] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: _listed(values) for name, values in value.items()}
        return _listed(value)

    @field_validator("*")
    @classmethod
    def _some_and_each_once(cls, value: Any, info: ValidationInfo) -> Any:
        empty_may_be = info.field_name == "services"  # where there are targets
        for values in value.values() if isinstance(value, dict) else [value]:
            if not (values or empty_may_be) or len(set(values)) != len(values):
                raise ValueError("an axis needs at least one value, and each only once")
        return value

    @model_validator(mode="after")
    def _its_servers_can(self) -> "Matrix":
        if why := servers.refusal(self.server, self.workers):
            raise ValueError(why)
        return self


class Load(_Section):
    """How requests arrive.

    `closed`: each user sends its next request when the last one ended. `open`: at `rate` per second, whatever the
    answers. `batch`: `arrivals` requests (one for each user, if not given), at `rate` or all at once, and then the end.
    `rate_share` replaces a rate. The rate is that share of the slowest cell's throughput under a closed load, which is
    measured before the first round. `timeline`: services note when each request of a batch held a connection. `ping`:
    beside the load, `GET /ping` is sent four times a second. `loop_lag`: services note how late their event loop runs a
    timer. `start_over_s`: closed users begin spread over that, and over a response time where that is longer. The load
    warms up for `warm_up_s`, or for twice the response time that it sees if that is longer, but at most for
    `warm_up_most_s`. After its window it goes on until the requests of the window have ended, but at most for
    `drain_s`. A batch is expected to take about `batch_s` after its last arrival; only the time that a run announces
    depends on it.
    Users are spread over `workers` processes of Locust on this machine (1; none beside others) and over
    `expect_workers` more that are started by hand, on other machines.
    """

    arrival: Annotated[Arrival, Field(strict=False)] = Arrival.CLOSED
    rate: Rate | None = None
    rate_share: Share | None = None
    spacing: Literal["uniform", "poisson"] = "uniform"
    arrivals: Count | None = None
    timeline: bool = False
    spawn_rate: Seconds = 500.0
    start_over_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    warm_up_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 3.0
    warm_up_most_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 30.0
    measure_s: Seconds = 10.0
    drain_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60.0
    batch_s: Seconds = 10.0
    timeout_s: Seconds = 60.0
    ping: bool = False
    loop_lag: bool = False
    workers: Annotated[int, Field(ge=0, le=256)] | None = None
    expect_workers: Annotated[int, Field(ge=0, le=256)] | None = None

    @property
    def workers_here(self) -> int:
        """Load processes on this machine."""
        return self.workers if self.workers is not None else 0 if self.expect_workers else 1

    @property
    def all_workers(self) -> int:
        """Load processes everywhere."""
        return self.workers_here + (self.expect_workers or 0)

    @property
    def distributed(self) -> bool:
        """Whether a master spreads the users over workers; otherwise one process does everything."""
        return self.all_workers > 1 or bool(self.expect_workers)

    @model_validator(mode="after")
    def _fits_its_arrival(self) -> "Load":
        if self.arrival == Arrival.OPEN and self.rate is None and self.rate_share is None:
            raise ValueError("the open model needs a rate (load.rate, --rate): arrivals per second")
        if self.rate_share is not None and (self.arrival != Arrival.OPEN or self.rate is not None):
            raise ValueError("load.rate_share needs arrival open, and no rate (load.rate, --rate)")
        if self.timeline and (self.arrival != Arrival.BATCH or (self.arrivals or 0) > MOST_IN_TIMELINE):
            raise ValueError(f"load.timeline needs arrival batch, with at most {MOST_IN_TIMELINE} requests")
        if self.arrival == Arrival.CLOSED and self.rate is not None:
            raise ValueError("a rate (load.rate, --rate) needs arrival open or batch: closed users wait for answers")
        if not self.all_workers:
            raise ValueError("load.workers (--load-workers) of 0 sends nothing; set load.expect_workers, too")
        if self.timeline and self.expect_workers:
            raise ValueError("load.timeline needs one clock: leave out load.expect_workers (--expect-workers)")
        return self


class Rounds(_Section):
    """How often every cell is measured. Services in `once` are measured in the first round only, as a landmark.

    In each round, a cell's `measure_s` are cut into `slices`, and the cells take turns.

    `aa`: the first service a second time, under another name, which shows how much of a difference is none. With
    `precision` the spread of `count` rounds decides once how many there are in all, up to `most`, so that the intervals
    of all throughput ratios are that narrow. `ceilings`: what pgbench does with the same SQL is measured, too.
    `baseline`: the service or target that all others are compared with, first of all. These ratios have intervals of
    their own, narrower than those of all pairs; with a precision, it is theirs. `profile`: in one more turn of each
    round, of `profile_s` seconds, a profiler looks where the CPU time of each service goes.
    """

    count: Annotated[int, Field(ge=1, le=99)] = 5
    slices: Annotated[int, Field(ge=1, le=999)] = 1
    seed: Annotated[int, Field(ge=0)] | None = None
    once: list[str] = []
    baseline: str = ""
    aa: bool = False
    ceilings: bool = True
    profile: bool = False
    profile_s: Annotated[int, Field(ge=1, le=600)] = 1
    precision: Annotated[float, Field(gt=0, lt=1)] | None = None
    most: Annotated[int, Field(ge=1, le=99)] = 20

    @property
    def first_stage(self) -> int | None:
        """The rounds that decide how many there are; None where their number is fixed."""
        return None if self.precision is None else self.count

    @model_validator(mode="after")
    def _has_turns_to_profile_in(self) -> "Rounds":
        if self.profile and self.slices == 1:
            raise ValueError("rounds.profile needs rounds.slices of 2 or more: the profiler has a turn of its own")
        return self

    @model_validator(mode="after")
    def _has_something_to_narrow(self) -> "Rounds":
        if self.precision is not None and not 2 <= self.count <= self.most:
            raise ValueError(
                f"rounds.precision needs rounds.count from 2 to rounds.most ({self.most}): one round has no interval"
            )
        return self


class Thresholds(_Section):
    """When a measurement is not believed: see docs/methodology.md for each. Shares, unless the name says seconds."""

    expect_failures: bool = False
    expect_drift: bool = False
    failures: Share = 0.001
    accounting: Share = 0.05
    conservation: Share = 0.05
    starved: Share = 0.05
    rate: Share = 0.02
    steal: Share = 0.02
    strangers: Share = 0.05
    strangers_elsewhere: Share = 0.10
    drift: Share = 0.10
    drift_p: Share = 0.01
    clock_jump_s: Seconds = 0.1
    busy: Share = 0.90
    held: Share = 0.75
    transactions: Share = 0.25
    floor: Share = 0.02
    calls: Share = 0.02


class DatasetScale(_Section):
    """How much data the tables hold; scale 1 is a million users."""

    scale: Annotated[float, Field(ge=0.001, le=10, allow_inf_nan=False)] = 0.01


class Target(_Section):
    """A service that is not the suite's, measured beside its services.

    `name` is in the tables and in names of files; `url` has no path. `external_api`: it calls the suite's external API,
    which then runs for it, too, and counts its calls. `command` starts it, in `folder`; without one it must run
    already, and is never stopped.
    """

    name: str
    url: str
    title: str = ""
    external_api: bool = False
    command: str = ""
    folder: str = ""

    @field_validator("name")
    @classmethod
    def _can_name_a_file(cls, name: str) -> str:
        if not TARGET_NAME.fullmatch(name):
            raise ValueError(
                "a target's name has letters, digits, '.', '_' and '-', at most 64, and a letter or digit first"
            )
        return name

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return address.checked(url)

    @field_validator("command")
    @classmethod
    def _can_be_split(cls, command: str) -> str:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"{error}; write it as in a shell, with a quote at both ends") from None
        if (command and not words) or "\0" in command:
            raise ValueError("a command has at least the name of a program, such as 'uvicorn mine:app --port 9000'")
        return command

    @model_validator(mode="after")
    def _has_a_folder_for_its_command(self) -> "Target":
        if self.folder and not self.command:
            raise ValueError("targets.folder is where targets.command is started, and there is none: add it")
        return self


class Plan(_Section):
    """Everything that a run needs to know; see docs/plans.md for each key."""

    title: str = ""
    question: str = ""
    matrix: Matrix
    load: Load = Load()
    rounds: Rounds = Rounds()
    database: DatasetScale = DatasetScale()
    verdict: Thresholds = Thresholds()
    claims: list[Claim] = []
    targets: list[Target] = []
