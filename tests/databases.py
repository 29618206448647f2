"""The tables of docs/databases.md, from what the tests try. `python -m tests.databases` writes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from db.address import libraries, parameters
from suite import catalogue

PAGE = catalogue.CHECKOUT / "docs" / "databases.md"


def settings() -> Iterator[str]:
    """A row for each setting of libpq (tests/contract/test_addresses.py tries them)."""
    every = (libraries.PSYCOPG2, libraries.PSYCOPG, libraries.ASYNCPG, libraries.PSQLPY)
    services = {
        library: [name for name, one in catalogue.services().items() if libraries.library_of(one.libraries) == library]
        for library in every
    }
    yield "| setting | variable | " + " | ".join(f"{one}: {', '.join(services[one])}" for one in every) + " |"
    yield "| --- | --- |" + " --- |" * len(every)
    for name in sorted(parameters.names()):
        variable = parameters.variables().get(name, "")
        shown = f"`{variable}`" if variable and variable not in parameters.NOT_PASSED_ON else ""
        yield f"| `{name}` | {shown} | " + " | ".join(libraries.described(one, name) for one in every) + " |"


@dataclass(frozen=True)
class Kind:
    """A kind of server, or of a role there. `without`: what a run does not know, or does not do. `shown`: the tests."""

    what: str
    does: str
    without: str
    remedy: str
    shown: tuple[str, ...]


_RIGHTS, _NAMED = "tests/integration/test_rights.py", "tests/integration/test_named_server.py"
_TLS, _BEHIND = "tests/integration/test_wire_tls.py", "tests/integration/test_pooler.py"
KINDS = (
    Kind(
        "the private PostgreSQL 18",
        "all",
        "",
        "",
        ("tests/integration/test_run.py::test_a_run_leaves_a_row_for_each_service_and_operation",),
    ),
    Kind(
        "on this machine, a superuser",
        "all, and PostgreSQL's CPU time",
        "statements, if the server does not preload pg_stat_statements",
        "`shared_preload_libraries`",
        (f"{_RIGHTS}::test_a_superuser_lacks_nothing", f"{_NAMED}::test_it_is_found_by_each_of_its_addresses"),
    ),
    Kind(
        "an ordinary role",
        "all",
        "some settings; connections of other roles; statements; no checkpoint before a measurement",
        "a GRANT each, which `bench doctor` prints",
        (f"{_RIGHTS}::test_each_gap_of_an_ordinary_role_is_closed_by_its_remedy",),
    ),
    Kind(
        "an ordinary role with a schema of its own",
        "all, in that schema",
        "as above",
        "as above",
        (f"{_RIGHTS}::test_a_role_with_a_schema_of_its_own_measures_there",),
    ),
    Kind(
        "a managed server's administrator (`rds_superuser` and the like)",
        "all",
        "statements, unless they are counted already or the role may switch that on",
        "as `bench doctor` says",
        (f"{_RIGHTS}::test_a_managed_servers_administrator_is_no_superuser_and_no_ordinary_role",),
    ),
    Kind(
        "a standby, or a role that only reads",
        "refused",
        "",
        "name the primary; `ALTER ROLE`",
        (f"{_RIGHTS}::test_a_server_that_accepts_no_writes_is_refused_before_anything_starts",),
    ),
    Kind(
        "TLS required, with an own CA, `verify-full`",
        "all",
        "",
        "",
        (f"{_TLS}::test_every_service_is_verified_there", f"{_TLS}::test_what_is_encrypted_is_read_and_counted"),
    ),
    Kind(
        "a login by the client's certificate",
        "every library connects, through the relay, too",
        "",
        "",
        (f"{_TLS}::test_a_clients_certificate_reaches_the_server",),
    ),
    Kind(
        "a socket in the file system, on any port",
        "all",
        "",
        "",
        (
            f"{_TLS}::test_every_service_is_verified_there",
            "tests/contract/test_addresses.py::test_a_socket_on_another_port_works",
        ),
    ),
    Kind(
        "PgBouncer in transaction mode",
        "all, with `--pooler transaction`; refused without",
        "statements, connections of a service, slices",
        "the server's own address",
        (
            f"{_BEHIND}::test_every_service_keeps_the_contract_behind_it",
            f"{_BEHIND}::test_a_run_through_it_needs_to_know_of_it",
        ),
    ),
    Kind(
        "PgBouncer in session mode",
        "all; a note names it",
        "statements",
        "the server's own address",
        (f"{_BEHIND}::test_services_work_behind_one_in_session_mode",),
    ),
    Kind(
        "in a container on this machine",
        "all",
        "PostgreSQL's CPU time; its work counts as that of strangers, so cells may be INVALID",
        "run it outside of containers",
        (f"{_NAMED}::test_one_with_pids_of_its_own_is_not_found_and_that_is_said",),
    ),
)


def kinds() -> Iterator[str]:
    """A row for each kind of server."""
    yield "| server, role | what works | not known, or not done | what allows it |"
    yield "| --- | --- | --- | --- |"
    for one in KINDS:
        yield f"| {one.what} | {one.does} | {one.without} | {one.remedy} |"


TABLES = {"settings": settings, "servers": kinds}


def filled(text: str) -> str:
    """The page with each table as it must be, between its two comments."""
    for name, lines in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        assert begin in text, name
        table = "\n".join(lines())
        text = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)  # noqa: B023  # called at once
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
