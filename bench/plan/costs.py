"""What an operation should cost in the database, by the contract and by each service's description."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.plan.matrix import NO_POOLER, Setup, in_words
from services.contract.operations import OPERATIONS
from suite.service import AfterReads, BehindPooler, Overhead, Service

NOTHING_MORE = AfterReads(0, 0, 0, 0, "")
CALLS = 5
READ_MANY, PARENTS = 20, 10
TIMES = {"count": READ_MANY, "parents": PARENTS}
"""What multiplies the statements of a call: while it is counted, and in its scenario by default."""
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
    times: int | None = None,
    *,
    pooler: str = NO_POOLER,
) -> Cost:
    """What one call should cost, by the contract and service.toml.

    `times`: reads of a read_many, or users of a relations; by default as many as are counted.
    `pooler`: with the settings for one or without.
    """
    known = OPERATIONS[operation]
    times = (TIMES[known.per] if times is None else times) if known.per else 1
    more_of = service.extra_statements
    data = known.statements(variant, times) + more_of.get(counted_as(operation, variant), more_of.get(operation, 0))
    if not data or not service.needs_database:
        return Cost(0, 0)
    uses = known.uses if variant is None else known.variants[variant]
    if variant != "explicit" and operation in service.uses:
        uses = service.uses[operation] * times
    kind = "explicit" if operation in service.in_transaction else None if known.loads else variant
    each = service.behind_pooler if pooler != NO_POOLER else WITHOUT
    around = each.overhead or _around(service, profile, kind)
    together = service.pipelined.get(profile)
    waits = together.round_trips if together and operation in together.operations else data * each.round_trips
    more = _after(service, profile, known.executions(variant, times), pooler)
    return Cost(
        waits + uses * around.round_trips + more.round_trips,
        data * each.statements + uses * around.statements + more.statements,
    )


def _after(service: Service, profile: str, executions: Sequence[int], pooler: str) -> AfterReads:
    """What statements that one call executes so often cost beyond themselves. With a pooler's settings, nothing."""
    own = service.after_reads.get(profile)
    often = sum(one >= own.reads for one in executions) if own and pooler == NO_POOLER else 0
    if own is None or not often:
        return NOTHING_MORE
    return replace(own, round_trips=own.round_trips + (often - 1) * own.each_further)


def times_of(operation: str, parameters: Mapping[str, Any]) -> int:
    """How many reads or users a scenario with these parameters asks for in a call; 1 where nothing multiplies."""
    per = OPERATIONS[operation].per if operation in OPERATIONS else None
    return int(parameters.get(per, TIMES[per])) if per else 1


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
    counted: Mapping[str, float], operation: str, parameters: Mapping[str, Any], setup: Setup | None = None
) -> float | None:
    """What one call in a cell with these parameters should make, from what was counted. None if that is unknown.

    `counted` has the transactions of one call by the name of `counted_as`. Each of its statements was a transaction of
    its own or none was, so another number has as many whole ones each, and what the service of a `setup` says of it.
    How many statements follow from the rows that are found, only their mean is known: then it is None.
    """
    if operation not in OPERATIONS:
        return None
    known, variant = OPERATIONS[operation], variant_of(operation, parameters)
    found = counted.get(counted_as(operation, variant))
    if found is None or not known.per:
        return found
    each_times = TIMES[known.per], times_of(operation, parameters)
    usual, wanted = (known.statements(variant, times) for times in each_times)
    beyond = [
        _after(setup.described, setup.profile, known.executions(variant, times), setup.pooler).transactions
        if setup
        else 0
        for times in each_times
    ]
    of_reads = found - beyond[0]
    each = of_reads // usual
    if each and known.depends_on_rows(variant):
        return None
    return of_reads + (wanted - usual) * each + beyond[1]
