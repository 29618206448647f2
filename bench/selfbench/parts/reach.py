"""Measures the limits of the load generator: its share of a core with a saturated service, and 10,000 users."""

import resource

from bench.measure import database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan import matrix
from bench.selfbench import watched
from bench.selfbench.figures import Say, TargetRange, extremes
from bench.selfbench.parts.agreement import SCALE
from bench.selfbench.setting import Setting, null_server
from db.data import dataset
from suite import catalogue

SERVICE = "asyncpg_async"  # the fastest service of the default plan
SHARE_ROUNDS = 10
MANY_USERS = 10_000
MANY_DELAY_MS = 1000.0
SPARE_FILES = 200


def share_of_core(setting: Setting, say: Say, rounds: int = SHARE_ROUNDS) -> None:
    """Measure the generator's CPU time while the fastest service of the default plan is saturated."""
    say(f"1000 users on {SERVICE}, which is saturated")
    users = dataset.size(SCALE).users
    placed, folder = setting.placed, setting.new_folder("service")
    with database.opened(None, placed.database) as server:
        database.loaded(server, SCALE)
        with Fleet(FleetSettings(server.dsn.url, users, placed.service)) as fleet:
            fleet.start({matrix.default_setup(SERVICE): folder / "log.txt"})
            run = watched.PointReadLoad(catalogue.service(SERVICE).url, dataset_users=users, measure_s=8.0)
            seen = [watched.measure(run, setting) for _ in range(rounds)]
    rates = [one.throughput_rps for one in seen]
    failed = sum(one.failures for one in seen)
    say(f"  throughput: {min(rates):,.0f} .. {max(rates):,.0f} requests/s in {rounds} rounds; {failed} failures")
    say(extremes("generator's share of its core", [one.cpu_share * 100 for one in seen], "%", TargetRange(high=20.0)))


def many_users(setting: Setting, say: Say) -> None:
    """Measure 10,000 users in two load processes."""
    say(f"{MANY_USERS:,} users in 2 processes on a null server that answers after {MANY_DELAY_MS:g} ms")
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < MANY_USERS + SPARE_FILES:
        say(f"  not measured: {limit:,} open files are allowed, {MANY_USERS + SPARE_FILES:,} needed (ulimit -Hn)")
        return
    with null_server(setting, delay_ms=MANY_DELAY_MS) as server:
        seen = watched.measure(
            watched.PointReadLoad(
                server.url, users=MANY_USERS, spawn_rate=2000.0, warm_up_s=3.0, measure_s=10.0, processes=2
            ),
            setting,
        )
    say(_verdict(f"{seen.users:,} users were running", good=seen.users == MANY_USERS))
    say(_verdict(f"{seen.failures:,} requests failed", good=not seen.failures))
    counted = f"{seen.samples:,} samples, {seen.counted_by_locust:,} requests by Locust's own count"
    say(_verdict(counted, good=seen.samples == seen.counted_by_locust > 0))
    say(f"  {seen.throughput_rps:,.0f} requests/s; p50 - delay {seen.latency_p50_ms - MANY_DELAY_MS:,.2f} ms,")
    say(f"  p99 - delay {seen.latency_p99_ms - MANY_DELAY_MS:,.2f} ms; generator {seen.cpu_share:.0%} of a core in all")


def _verdict(what: str, *, good: bool) -> str:
    return f"  {what}: {'holds' if good else 'does not hold'}"
