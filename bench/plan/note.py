"""What a reader must know of a plan, a run or a cell: a value, which each view shows in its own way. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from suite.catalogue import marked


class Kind(StrEnum):
    """What a note says of its subject."""

    INVALID = "INVALID"
    """Why a cell is INVALID."""
    FLOOR = "FLOOR"
    """Why a cell is FLOOR."""
    UNJUDGED = "UNJUDGED"
    """Which thresholds the plan has loosened, so that a cell is not judged."""
    DISTURBED = "disturbed"
    """Rounds and slices that do not count, because something disturbed them."""
    UNCHECKED = "not checked"
    """What the rules of a verdict could not see."""
    REMADE = "measured again"
    """A measurement was disturbed from outside, and was made once more."""
    DISAGREES = "disagrees"
    """A stored window.json says something other than its recording."""
    MISCOUNTED = "miscounted"
    """Locust's count is not that of the samples."""
    ERROR = "error"
    LEDGER = "ledger"
    """What became of everything that began or was due."""
    MISSED = "missed"
    WAITED = "unanswered"
    """Requests that had no answer when the load stopped waiting."""
    OVERLOAD = "overload"
    """An open load whose rate was not served."""
    WARM_UP = "warm-up"
    """A warm-up that took longer than the plan has, because of the response time."""
    PING = "ping"
    LOOP_LAG = "event loop"
    """How late the service's event loop ran a timer."""
    RECONNECTS = "reconnects"
    SAME = "same"
    """An A/A arm: the same service a second time."""
    BOUND = "bound"
    """What limited a cell, and how that was seen."""
    EXAMPLE = "warning example"
    """A service that shows a mistake."""
    TARGET = "target"
    LANDMARK = "landmark"
    LEFT_OUT = "left out"
    """A part of a plan that is not run."""
    PARITY = "parity"
    """A fact in which services differ; `which` says whether the library makes the difference."""
    UNFINISHED = "unfinished"
    RESUMED = "resumed"
    UNREADABLE = "unreadable"
    PLACEMENT = "placement"
    VARIABLES = "variables"
    RIGHTS = "rights"
    """What the role may not see or do on a named PostgreSQL."""
    POOLER = "pooler"
    """What stands before PostgreSQL."""
    BUSY = "busy"
    """What else used the machine before anything was measured."""


@dataclass(frozen=True)
class Note:
    """`about`: a cell, a round, a service or, where empty, the whole run. `which`: the rule or the bound, by name."""

    about: str
    kind: Kind
    text: str
    which: str = ""

    def __str__(self) -> str:
        return f"{marked(self.about)}: {self.text}" if self.about else self.text
