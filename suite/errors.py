"""Every error a user can meet. Each message says what failed, on which object, and what to do.

`bench.cli` prints the message and exits with `exit_code`; anything else that escapes is a bug and shows its traceback.
"""


class BenchError(Exception):
    """Something the user can correct: one message, no traceback."""

    exit_code = 1


class UsageError(BenchError):
    """An option, plan key, service, scenario or run that does not exist or has no such value."""


class PlanError(UsageError):
    """A plan file that cannot be used."""


class CatalogueError(BenchError):
    """A service or a scenario in this checkout that is described wrongly."""


class PreflightError(BenchError):
    """The machine is not ready: a taken port, too few file descriptors, an unwritable folder."""


class DatabaseError(BenchError):
    """PostgreSQL cannot be started or reached, or does not hold the dataset."""


class RestartedError(DatabaseError):
    """PostgreSQL was restarted while a cell was measured."""


class ServiceError(BenchError):
    """A service did not start, or somebody else answers in its place."""


class LoadError(BenchError):
    """Locust ended without measuring (failed requests are results, not this)."""


class WorkersError(BenchError):
    """Load workers on other machines did not come."""


class ResultsError(BenchError):
    """A results folder or file that cannot be written or read."""


class UnwritableError(ResultsError):
    """A results file that cannot be written: the disk is full, say. No fault of what was being measured."""


class VerificationError(BenchError):
    """Services disagree with the contract; nothing was measured."""

    exit_code = 3


class StoppedError(BenchError):
    """The run ended part-way; what was measured is saved and readable."""

    exit_code = 2


class TerminatedError(BaseException):
    """SIGTERM arrived. A BaseException, as KeyboardInterrupt is, so that nothing swallows it on the way out."""
