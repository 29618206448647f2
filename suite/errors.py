"""All errors for users. Each message says what failed, on which object, and what to do.

`bench.cli` prints the message and exits with `exit_code`. Any other exception is a bug and shows its traceback.
"""


class BenchError(Exception):
    """An error that the user can correct: one message, no traceback."""

    exit_code = 1


class UsageError(BenchError):
    """An option, plan key, service, scenario or run that does not exist or has no such value."""


class PlanError(UsageError):
    """A plan file that cannot be used."""


class CatalogueError(BenchError):
    """A service or scenario of this checkout with a wrong description."""


class PreflightError(BenchError):
    """The machine is not ready: a taken port, too few file descriptors, an unwritable folder."""


class DatabaseError(BenchError):
    """PostgreSQL cannot be started or reached, or does not hold the dataset."""


class RestartedError(DatabaseError):
    """PostgreSQL was restarted while a cell was measured."""


class ServiceError(BenchError):
    """A service did not start, or another program answers on its port."""


class EndedError(ServiceError):
    """A service ended by itself: it crashed or exited, and was not killed from outside."""


class LoadError(BenchError):
    """Locust ended without measuring. (Failed requests are results, not errors.)"""


class WorkersError(BenchError):
    """Load workers on other machines did not join."""


class ResultsError(BenchError):
    """A results folder or file that cannot be written or read."""


class UnwritableError(ResultsError):
    """A results file that cannot be written, for example on a full disk. The measured service is not at fault."""


class VerificationError(BenchError):
    """Services disagree with the contract. Nothing was measured."""

    exit_code = 3


class StoppedError(BenchError):
    """The run ended part-way. All measurements are saved and readable."""

    exit_code = 2


class TerminatedError(BaseException):
    """SIGTERM arrived. It is a BaseException, like KeyboardInterrupt, so that no handler swallows it."""
