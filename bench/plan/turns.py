"""Which cells take turns: their services are up side by side, and one of them runs at a time."""

from collections.abc import Iterable, Iterator, Sequence

from bench.plan.matrix import NO_POOLER, Cell
from bench.plan.model import Load, Plan
from services.contract.operations import OPERATIONS
from suite.arrival import Arrival

MOST_CELLS = 8  # each has a service, a load and their memory
MOST_NAMED = 4
POOL_TIMEOUT_S = 30.0  # by default; a shorter one is part of what is measured
MOST_CONNECTIONS = 120  # to PostgreSQL, of all services that are up

SLICE_OVERHEAD_S = 0.03  # freezing one service, reading the counters, letting the next one go
LAST_ANSWERS_S = 1.5  # an estimate: about the response time
PROFILER_S = 1.0  # an estimate: py-spy reads the symbols of all libraries

Heat = tuple[Cell, ...]
"""Cells that take turns with each other. Of one cell alone where it cannot, or where there is no other."""


def obstacle(cell: Cell, plan: Plan) -> str:
    """Why a cell is measured in one window in place of slices; empty where it takes turns.

    Its service is frozen between its turns. So nothing may go on meanwhile that counts for it.
    """
    if plan.rounds.slices == 1:
        return "the plan has no slices (rounds.slices)"
    # A plan that also has cells without the settings for a pooler cannot run behind one.
    if not cell.setup.url and NO_POOLER not in plan.matrix.pooler:
        return "a stopped service would keep its pooler's connections"
    return _of_load(plan.load) or _of_cell(cell)


def _of_load(load: Load) -> str:
    if load.arrival != Arrival.CLOSED:
        return f"arrivals of the {load.arrival} model do not wait"
    if load.ping:
        return "pings do not wait"
    return "a load of several processes cannot be paused" if load.distributed else ""


def _of_cell(cell: Cell) -> str:
    setup = cell.setup
    whys = {
        "a target is not the suite's to stop": not setup.is_started,
        "a pool's short time-out does not wait": not setup.url and setup.pool_timeout_s < POOL_TIMEOUT_S,
        "a network's delay does not wait": setup.database_rtt_ms is not None,
    }
    found = (why for why, applies in whys.items() if applies)
    return next(found, "") or next(filter(None, map(_of_operation, cell.operations)), "")


def _of_operation(name: str) -> str:
    if name not in OPERATIONS:
        return f"what {name} does is not known"
    if OPERATIONS[name].method != "GET":
        return f"{name} writes, and a stopped service would keep its locks"
    return f"the delay of {name} does not wait" if OPERATIONS[name].least else ""


def expected_s(plan: Plan) -> float:
    """How long the turns of one cell are in a round: warm-up, slices, last answers."""
    slices_s = plan.load.measure_s + plan.rounds.slices * SLICE_OVERHEAD_S
    profiled_s = plan.rounds.profile_s + PROFILER_S if plan.rounds.profile else 0.0
    return plan.load.warm_up_s + slices_s + profiled_s + LAST_ANSWERS_S


def alone(cells: Iterable[Cell], plan: Plan) -> Iterator[str]:
    """In words, which scenarios or cells of a plan with slices are measured in one window, and why."""
    if plan.rounds.slices == 1:
        return
    said: dict[str, list[str]] = {}
    for cell in cells:
        if why := obstacle(cell, plan):
            said.setdefault(why, []).append(cell.slug)
    for why, slugs in said.items():
        more = f" and {len(slugs) - MOST_NAMED} more" if len(slugs) > MOST_NAMED else ""
        yield f"in one window a round, not in slices: {', '.join(slugs[:MOST_NAMED])}{more} ({why})"


def heats(cells: Sequence[Cell], plan: Plan) -> Iterator[Heat]:
    """The cells of a round in their order, cut into those that take turns together: the same load on several setups."""
    together: dict[object, list[list[Cell]]] = {}
    for cell in cells:
        alone = obstacle(cell, plan)
        key = cell if alone else (cell.scenario, cell.users, cell.parameters)
        made = together.setdefault(key, [[]])
        if not _fits(cell, made[-1]):
            made.append([])
        made[-1].append(cell)
    yield from (tuple(one) for made in together.values() for one in made)


def _fits(cell: Cell, beside: Sequence[Cell]) -> bool:
    if not beside:
        return True
    if any(one.setup == cell.setup or _share_a_port(one, cell) for one in beside):
        return False
    return len(beside) < MOST_CELLS and connections((*beside, cell)) <= MOST_CONNECTIONS


def _share_a_port(one: Cell, other: Cell) -> bool:
    """Two arms of a target: its command has its port."""
    return bool(one.setup.url) and one.setup.url == other.setup.url


def connections(cells: Iterable[Cell]) -> int:
    """How many connections their services may hold together."""
    return sum(cell.setup.connections for cell in cells)
