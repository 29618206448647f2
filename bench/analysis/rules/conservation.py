"""Rules: every request is accounted for, and the window shows a steady state."""

from bench.analysis import bound
from bench.analysis.evidence import Evidence
from bench.plan.model import Thresholds


def no_window(seen: Evidence, _: Thresholds) -> str:
    """The load or the service ended before the window did."""
    return seen.problem


def empty(seen: Evidence, _: Thresholds) -> str:
    """Nothing was answered in the window."""
    return "" if seen.requests or seen.problem else "no request ended in the window"


def unaccounted(seen: Evidence, limits: Thresholds) -> str:
    """Requests do not account for the users' time: the load waited for itself, or samples are missing."""
    if seen.accounted is None or abs(seen.accounted - 1) <= limits.accounting:
        return ""
    return f"requests account for {seen.accounted:.1%} of the users' time, not for 100% within {limits.accounting:.0%}"


def missed_rate(seen: Evidence, limits: Thresholds) -> str:
    """Arrivals that were due were not sent, and the service could have answered more."""
    if seen.offered_rps is None or not seen.length_s or bound.of_measurement(seen, limits).by in bound.OF_THE_SERVICE:
        return ""
    if seen.foreign and seen.machine and not bound.load_is_full(seen, seen.machine, limits):
        return ""  # the load had time left: it was the target that did not keep up
    due = seen.offered_rps * seen.length_s
    if abs(seen.requests - due) <= bound.off_by(due, seen, limits):
        return ""
    share = f"{seen.requests / due:.1%}; {seen.missed:,} found no free user"
    return f"{seen.requests:,} requests were sent of the {due:,.0f} due ({share})"


def drifted(seen: Evidence, limits: Thresholds) -> str:
    """Throughput rose or fell over the window by more than chance."""
    if seen.drift is None or abs(seen.drift.share) <= limits.drift or seen.drift.p >= limits.drift_p:
        return ""
    return f"throughput drifted by {seen.drift.share:+.1%} within the window (p = {seen.drift.p:.4f})"


RULES = (no_window, empty, unaccounted, missed_rate, drifted)
