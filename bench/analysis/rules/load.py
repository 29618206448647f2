"""Rules: the load was as large as asked, and all of its processes took part from beginning to end."""

from bench.analysis.evidence import Evidence
from bench.plan.model import Thresholds


def missing_users(seen: Evidence, _: Thresholds) -> str:
    """The load was smaller than asked."""
    return f"{seen.users} of {seen.users_asked} users were running" if seen.users < seen.users_asked else ""


def lost_workers(seen: Evidence, _: Thresholds) -> str:
    """A process of the load ended or was not heard of any more, and its last samples with it."""
    all_ = seen.load_workers
    lost = [f"{one.name}, last heard of {_in_window(one.lost_s)}" for one in all_ if one.lost_s is not None]
    return f"{len(lost)} of {len(all_)} load workers lost: {'; '.join(lost)}" if lost else ""


def late_workers(seen: Evidence, _: Thresholds) -> str:
    """A process more than the load began with: its users are spread once more."""
    late = [f"{one.name} joined {_in_window(one.joined_s)}" for one in seen.load_workers if one.joined_s is not None]
    return f"load workers came late: {'; '.join(late)}" if late else ""


def clocks_apart(seen: Evidence, limits: Thresholds) -> str:
    """Samples of another machine are on its clock, brought to ours by the time of day."""
    off = [one for one in seen.load_workers if abs(one.clock_off_s) > limits.clock_jump_s]
    return "; ".join(f"the clock of load worker {one.name} is {one.clock_off_s:+.2f} s behind ours" for one in off)


def _in_window(at_s: float) -> str:
    return f"{at_s:.1f} s into the window" if at_s >= 0 else f"{-at_s:.1f} s before the window"


RULES = (missing_users, lost_workers, late_workers, clocks_apart)
OUTSIDE = (missing_users, lost_workers, late_workers)
