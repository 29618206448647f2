"""What an operation should cost in the database, by the contract and by each service's description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.plan.matrix import NO_POOLER, Setup, in_words
from services.contract.operations import OPERATIONS
from suite.service import AfterReads, BehindPooler, Overhead, Service

NOTHING_MORE = AfterReads(0, 0, 0, 0, "")
CALLS = 5
READ_MANY = 20  # reads of one read_many: while it is counted, and in its scenario by default
WITHOUT = BehindPooler()  # a pooler: a data statement is one, and takes one round trip


@dataclass(frozen=True)
class Cost:
    """Of one call. `statements` is None where pg_stat_statements could not be asked.

    `transactions` are counted and not declared: None where nothing was counted.
    """

    round_trips: float
    statements: float | None
    transactions: float | None = None

    def __str__(self) -> str:
        statements = "" if self.statements is None else f" and {self.statements:g} statements"
        return f"{self.round_trips:g} round trips{statements}"


def expected(
    service: Service,
    profile: str,
    operation: str,
    variant: str | None = None,
    reads: int = READ_MANY,
    *,
    pooler: str = NO_POOLER,
) -> Cost:
    """What one call should cost, by the contract and service.toml; a read_many of so many reads.

    `pooler`: with the settings for one or without.
    """
    known = OPERATIONS[operation]
    times = reads if known.per else 1
    data = known.data_statements * times + service.extra_statements.get(operation, 0)
    if not data or not service.needs_database:
        return Cost(0, 0)
    uses = known.uses if variant is None else known.variants[variant]
    if variant != "explicit" and operation in service.uses:
        uses = service.uses[operation] * times
    if operation in service.in_transaction:
        variant = "explicit"
    each = service.behind_pooler if pooler != NO_POOLER else WITHOUT
    around = each.overhead or _around(service, profile, variant)
    together = service.pipelined.get(profile)
    waits = together.round_trips if together and operation in together.operations else data * each.round_trips
    more = _after(service, profile, operation, reads, pooler)
    return Cost(
        waits + uses * around.round_trips + more.round_trips,
        data * each.statements + uses * around.statements + more.statements,
    )


def _after(service: Service, profile: str, operation: str, reads: int, pooler: str) -> AfterReads:
    """What so many reads in one call cost beyond themselves. Nothing with the settings for a pooler."""
    own = service.after_reads.get(profile)
    return own if own and OPERATIONS[operation].per and reads >= own.reads and pooler == NO_POOLER else NOTHING_MORE


def _around(service: Service, profile: str, variant: str | None) -> Overhead:
    """What one use of a connection costs beside the data statements."""
    usual = service.overhead[profile]
    if variant is None:
        return usual
    kind = "explicit" if variant == "explicit" else "implicit"
    own = service.overhead.get(f"{profile}_{kind}") or service.overhead.get(kind)
    if own is not None or kind == "implicit":
        return own or usual
    begin_and_commit = 2
    return replace(
        usual, round_trips=usual.round_trips + begin_and_commit, statements=usual.statements + begin_and_commit
    )


def differences(service: Service, profile: str, found: Mapping[str, Cost], *, pooler: str = NO_POOLER) -> Iterator[str]:
    """In words, every operation that costs something else than it should."""
    said = in_words(profile, service, pooler)
    for operation, cost in found.items():
        name, variant = _parts(operation)
        should = expected(service, profile, name, variant, pooler=pooler)
        more = cost.round_trips - should.round_trips
        # Two statements at once may meet connections that have not seen them, in a pool larger than the one tried.
        learning = OPERATIONS[name].uses > 1 and 0 < more < 1
        if (more and not learning) or cost.statements not in {None, should.statements}:
            yield f"{service.name} ({said}): {operation} took {cost} a call, expected {should} ({CALLS} calls)"


def _parts(counted_as: str) -> tuple[str, str | None]:
    operation, _, variant = counted_as.partition(" ")
    return operation, variant or None


def counted_as(operation: str, variant: str | None) -> str:
    """The name under which one variant of an operation is counted: `synchronize_note explicit`."""
    return f"{operation} {variant}" if variant else operation


def variant_of(operation: str, parameters: Mapping[str, Any]) -> str | None:
    """Which variant of an operation a scenario with these parameters asks for; its own default is the first one."""
    known = OPERATIONS[operation]
    return str(parameters.get(known.varies or "", next(iter(known.variants)))) if known.variants else None


def transactions(
    counted: Mapping[str, float], operation: str, parameters: Mapping[str, Any], reads: int, setup: Setup | None = None
) -> float | None:
    """What one call in a cell with these parameters should make, from what was counted. None if that is unknown.

    `counted` has the transactions of one call by the name of `counted_as`. Of `READ_MANY` reads, each was a transaction
    of its own or none was, so another number has as many whole ones each, and what the service of a `setup` says of it.
    """
    if operation not in OPERATIONS:
        return None
    found = counted.get(counted_as(operation, variant_of(operation, parameters)))
    if found is None or not OPERATIONS[operation].per:
        return found
    beyond = [
        _after(setup.described, setup.profile, operation, count, setup.pooler).transactions if setup else 0
        for count in (READ_MANY, reads)
    ]
    of_reads = found - beyond[0]
    return of_reads + (reads - READ_MANY) * (of_reads // READ_MANY) + beyond[1]
