"""Rules: every request is accounted for, and the window shows a steady state."""

import math
from collections.abc import Sequence

from scipy.special import stdtr  # a ufunc; scipy.stats takes far longer to import

from bench.analysis import bound
from bench.analysis.evidence import Evidence
from bench.analysis.intervals import deviation
from bench.plan.model import Thresholds

BETWEEN_S = 1e-4  # the load's own work for one request: to check an answer, to choose the next request


def no_window(seen: Evidence, _: Thresholds) -> str:
    """The load or the service ended before the window did."""
    return seen.problem


def empty(seen: Evidence, _: Thresholds) -> str:
    """Nothing was answered in the window."""
    return "" if seen.completed or seen.problem else "no request ended in the window"


def unrecorded(seen: Evidence, _: Thresholds) -> str:
    """The load began more requests, or fewer, than it recorded."""
    if seen.begun is None or seen.begun == seen.sampled:
        return ""
    return f"{seen.begun:,} requests were begun and {seen.sampled:,} were recorded"


def unaccounted(seen: Evidence, limits: Thresholds) -> str:
    """Requests do not account for the users' time: the load waited for itself, or samples are missing.

    Between two requests, a user has a little work of its own. It weighs more, the shorter the answers are.
    """
    if seen.accounted is None or not seen.length_s:
        return ""
    between = BETWEEN_S * seen.completed / (seen.users_asked * seen.length_s)
    if -limits.accounting - between <= seen.accounted - 1 <= limits.accounting:
        return ""
    return f"requests account for {seen.accounted:.1%} of the users' time, not for 100% within {limits.accounting:.0%}"


def unsteady(seen: Evidence, limits: Thresholds) -> str:
    """Little's law does not hold: latency and throughput are not those of one steady state."""
    if seen.little is None or abs(seen.little - 1) <= limits.conservation:
        return ""
    within = f"not 100% within {limits.conservation:.0%}"
    return f"mean latency x throughput is {seen.little:.1%} of the requests in the service, {within}: no steady state"


def unsteady_over_rounds(measurements: Sequence[Evidence], limits: Thresholds) -> str:
    """The same of a cell that took turns, on average over its rounds.

    A machine that changes its speed within a round moves what that round shows up or down. A service that holds some
    requests back moves every round the same way.
    """
    shares = [one.little for one in measurements if one.little is not None]
    if not shares or abs((mean := math.fsum(shares) / len(shares)) - 1) <= limits.conservation:
        return ""
    within = f"on average over {len(shares)} rounds, not 100% within {limits.conservation:.0%}"
    return f"mean latency x throughput is {mean:.1%} of the requests in the service, {within}: no steady state"


def starved(seen: Evidence, limits: Thresholds) -> str:
    """Users had no answer at all, so that the latencies are those of the others."""
    if seen.starved <= limits.starved * seen.users_asked:
        return ""
    return f"{seen.starved:,} of {seen.users_asked:,} users had no answer in the whole window"


def off_rate(seen: Evidence, limits: Thresholds) -> str:
    """The arrivals of an open load are not all in its ledger: arrivals = completions + growth of the backlog."""
    grew = seen.backlog_end - seen.backlog_start
    allowed = max(limits.conservation * seen.due, bound.off_by(seen, limits))
    if not seen.due or abs(seen.completed + grew - seen.due) <= allowed:
        return ""
    return f"{seen.due:,.0f} arrivals were due, {seen.completed:,} were completed, and the backlog grew by {grew:,}"


def missed_rate(seen: Evidence, limits: Thresholds) -> str:
    """The rate was not served, and it may be that the load did not send it."""
    if not overload(seen, limits) or bound.of_measurement(seen, limits).by in bound.OF_THE_SERVICE:
        return ""
    if seen.machine and not bound.load_is_full(seen, seen.machine, limits):
        return ""  # the load had time left: it was the service that did not keep up
    share = f"{seen.completed / seen.due:.1%}; {seen.missed:,} found no free user"
    return (
        f"{seen.completed:,} requests were answered of the {seen.due:,.0f} due ({share}), and the load had no time left"
    )


def overload(seen: Evidence, limits: Thresholds) -> str:
    """In words, that an open load's rate was not served; empty where it was."""
    if not seen.due or seen.completed >= seen.due - bound.off_by(seen, limits):
        return ""
    served = f"{seen.completed / seen.length_s:,.0f} of {seen.offered_rps:,.0f} requests/s"
    return f"the rate was not served: {served}; the backlog grew from {seen.backlog_start:,} to {seen.backlog_end:,}"


def drifted(seen: Evidence, limits: Thresholds) -> str:
    """Throughput rose or fell over the window by more than chance."""
    if limits.expect_drift or seen.drift is None:
        return ""
    if abs(seen.drift.share) <= limits.drift or seen.drift.p >= limits.drift_p:
        return ""
    return f"throughput drifted by {seen.drift.share:+.1%} within the window (p = {seen.drift.p:.4f})"


def drifted_over_rounds(measurements: Sequence[Evidence], limits: Thresholds) -> str:
    """Throughput rose or fell within the rounds of a cell that took turns, on average by more than chance.

    A two-sided t test of the mean of the rounds' drifts, at least two; the slices of one round have too much noise.
    """
    shares = [one.drift.share for one in measurements if one.drift is not None]
    if limits.expect_drift or len(shares) < 2:
        return ""
    mean, error = math.fsum(shares) / len(shares), deviation(shares) / math.sqrt(len(shares))
    p = 2 * float(stdtr(len(shares) - 1, -abs(mean) / error)) if error else float(mean == 0)
    if abs(mean) <= limits.drift or p >= limits.drift_p:
        return ""
    return f"throughput drifted by {mean:+.1%} within a round, on average over {len(shares)} rounds (p = {p:.4f})"


RULES = (no_window, empty, unrecorded, unaccounted, unsteady, starved, off_rate, missed_rate, drifted)
