"""Reads a service's description, service.toml, and checks it. Errors name the file and the key."""

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from suite import toml_files
from suite.errors import CatalogueError

Costs = Literal[
    "idiomatic", "lean", "implicit", "explicit", "idiomatic_implicit", "idiomatic_explicit", "lean_implicit",
    "lean_explicit",
]  # fmt: skip
Text = Annotated[str, Field(min_length=1)]
HOW = "see docs/adding-a-service.md"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CostOfUse(_Table):
    """`Overhead`, in the file."""

    round_trips: Annotated[int, Field(ge=0)] = Field(description="how many one use of a connection adds")
    statements: Annotated[int, Field(ge=0)] = Field(description="how many one use of a connection adds")
    why: str = Field(description="what the library does there")


class InPipeline(_Table):
    """`Pipelined`, in the file."""

    operations: list[Text] = Field(description='the operations that do so: operations = ["read_many"]')
    round_trips: Annotated[int, Field(ge=1)] = Field(description="how many all data statements of one call take")
    why: str = Field(description="what the library does there")


class FromReads(_Table):
    """`AfterReads`, in the file."""

    reads: Annotated[int, Field(ge=2)] = Field(description="from how many reads of one call on: reads = 6")
    round_trips: Annotated[int, Field(ge=0)] = Field(description="how many more that call takes")
    statements: Annotated[int, Field(ge=0)] = Field(description="how many more that call sends")
    transactions: Annotated[int, Field(ge=0)] = Field(description="how many more that call makes")
    each_further: Annotated[int, Field(ge=0)] = Field(0, description="round trips of each further such statement")
    why: str = Field(description="what the library does there")


class OwnFact(_Table):
    """`Own`, in the file."""

    value: str = Field(description="the value that the library itself causes")
    why: str = Field(description="what the library does there")


class SettingsForPooler(_Table):
    """`BehindPooler`, in the file."""

    round_trips: Annotated[int, Field(ge=1)] = Field(1, description="how many one data statement takes")
    statements: Annotated[int, Field(ge=1)] = Field(1, description="how many one data statement becomes")
    why: str = Field("", description="what the library does there")
    overhead: CostOfUse | None = Field(None, description="what one use of a connection adds, in place of [overhead]")
    own: dict[str, OwnFact] = {}


class TracedPool(_Table):
    """`PoolClass`, in the file."""

    pool: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] = Field(description='its class: pool = "asyncpg.pool:Pool"')
    take: str = Field("", description='its method that gives out a connection: take = "getconn"')
    give: str = Field("", description='its method that takes one back: give = "putconn"')


class Released(_Table):
    """`Release`, in the file."""

    library: Text = Field(description='what the service is about, as it is installed: library = "asyncpg"')
    version: Text = Field(description='the version in the lock: version = "0.32.0"')
    date: datetime.date = Field(description="when that was released: date = 2026-10-06")
    downloads_rank: Annotated[int, Field(ge=1)] | None = None


class OnDriver(_Table):
    """What a service has with one of its drivers, in the file: added to its own, or in place of it."""

    libraries: list[Text] = Field(description='the packages of the driver: libraries = ["asyncpg"]')
    overhead: dict[Costs, CostOfUse] = {}
    own: dict[str, OwnFact] = {}
    pooler: SettingsForPooler = SettingsForPooler()
    warm_up: Annotated[int, Field(ge=1)] = 1
    after_reads: dict[Literal["idiomatic", "lean"], FromReads] = {}


class Described(_Table):
    """The content of service.toml. docs/adding-a-service.md explains each key."""

    title: Text = Field(description='what tables call the service: title = "asyncpg"')
    mode: Literal["sync", "async"] = Field(description='how its endpoints are defined: mode = "sync" or "async"')
    kind: Literal["driver", "query builder", "ORM", ""] = Field("", description='what it is: kind = "ORM"')
    follows: str = Field("", description="the page of the library's documentation that app.py is written like")
    port: Annotated[int, Field(ge=1024, le=65535)] = Field(description="a free port: port = 8012")
    libraries: list[Text] = Field(description='the packages whose versions are recorded: libraries = ["asyncpg"]')
    operations: list[Text] | None = None
    without: list[Text] = Field([], description='operations that it answers with 501: without = ["relations"]')
    overhead: dict[Costs, CostOfUse] = {}
    extra_statements: dict[str, Annotated[int, Field(ge=0)]] = {}
    uses: dict[str, Annotated[int, Field(ge=0)]] = {}
    in_transaction: list[Text] = []
    pipelined: dict[Literal["idiomatic", "lean"], InPipeline] = {}
    own: dict[str, OwnFact] = {}
    pooler: SettingsForPooler = SettingsForPooler()
    warm_up: Annotated[int, Field(ge=1)] = 1
    after_reads: dict[Literal["idiomatic", "lean"], FromReads] = {}
    drivers: dict[Text, OnDriver] = {}
    release: Released | None = None
    trace: TracedPool | None = None
    state: str = Field("", description="what its users should know of the library's upkeep")
    warning: str = Field("", description="of a service that shows a mistake: what is wrong with it")

    def on(self, driver: str) -> "Described":
        """The same with what this driver of its own adds or replaces; itself where it has no drivers."""
        if driver not in self.drivers:
            return self
        below = self.drivers[driver]
        merged = {
            "libraries": [*self.libraries, *below.libraries],
            "overhead": self.overhead | below.overhead,
            "own": self.own | below.own,
            "pooler": below.pooler,
            "warm_up": below.warm_up,
            "after_reads": self.after_reads | below.after_reads,
        }
        return self.model_copy(update=merged)


def read(path: Path) -> Described:
    """Read a service.toml. Raises CatalogueError that names the file, the key, the value and the remedy."""
    name = path.parent.name
    shown = f"services/{name}/service.toml"
    if not name.isidentifier():
        raise CatalogueError(f"services/{name}: the folder is imported by its name; use only letters, digits and '_'")
    written = toml_files.tables(path, CatalogueError, "description of a service", shown)
    try:
        described = Described.model_validate(written)
    except ValidationError as error:
        problem = toml_files.first(error)
        key = ".".join(str(part) for part in problem["loc"] if isinstance(part, str) and part != toml_files.OF_A_KEY)
        raise CatalogueError(f"{toml_files.said(problem, Described, shown, key)}; {HOW}") from None
    if described.operations is None:  # it answers the whole contract, with a database
        for profile in ("idiomatic", "lean"):
            if profile not in described.overhead:
                raise CatalogueError(
                    f"{shown}: overhead.{profile} is missing: it is the cost of one use of a connection in addition to"
                    f" the data statements; {HOW}"
                )
    return described


def check_application(folder: Path) -> None:
    """Raise CatalogueError if a service has no app.py. Errors inside it show in its log when it starts."""
    if not (folder / "app.py").is_file():
        raise CatalogueError(
            f"services/{folder.name}/app.py is missing, but services/{folder.name}/service.toml describes it: write it,"
            " or remove the folder"
        )
