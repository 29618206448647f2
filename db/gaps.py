"""What a run will and will not know with the rights of a role, in words: for each gap what it costs, and the remedy."""

from collections.abc import Iterator
from dataclasses import dataclass

from db import statements
from db.rights import Rights, Timeout
from db.statements import GRANTED_FROM

CONSEQUENCES = {
    "statement_timeout": "a statement of a service that takes longer fails, and so does its request",
    "lock_timeout": "a statement of a service that waits longer for a lock fails, and so does its request",
    "idle_in_transaction_session_timeout": (
        "a service that holds a transaction open for longer, as in the scenarios synchronize and session_sleep, loses"
        " that connection"
    ),
    "idle_session_timeout": (
        "pooled connections are closed while their service waits for its turn, and its next requests fail"
    ),
    "transaction_timeout": "a transaction that takes longer ends with its connection, that of loading the dataset, too",
}
SOURCES = {
    "user": "ALTER ROLE {role} RESET {name}",
    "database": "ALTER DATABASE {database} RESET {name}",
    "database user": "ALTER ROLE {role} IN DATABASE {database} RESET {name}",
    "client": "remove it from the address or from PGOPTIONS",
}


@dataclass(frozen=True)
class RoleFinding:
    """One subject. `remedy` is empty if there is nothing to allow; `forbids`: no run can start like this."""

    about: str
    text: str
    remedy: str = ""
    forbids: bool = False

    def __str__(self) -> str:
        return f"{self.text}: {self.remedy}" if self.remedy else self.text


STATEMENTS = "statements"
CONNECTIONS = "connections"


def findings(rights: Rights, *, needed: int | None = None, loaded: bool = False) -> Iterator[RoleFinding]:
    """Everything that is worth a line, what is allowed too. `needed`: connections of the run that is meant.

    `loaded`: the dataset is there already, so that no table has to be made.
    """
    yield RoleFinding("role", f"{rights.role}, {rights.kind}, on PostgreSQL {rights.version}")
    if rights.read_only:
        yield writing(rights)
        return
    yield _tables(rights, loaded=loaded)
    yield _vacuum(rights)
    yield _settings(rights)
    yield _others(rights)
    yield _checkpoint(rights)
    if rights.counting is not None:
        yield _statements(rights)
    yield connections(rights, needed)
    yield from (_timeout(rights, one) for one in rights.timeouts)


def gaps(rights: Rights, *, loaded: bool = False) -> list[RoleFinding]:
    """What a run says once at its start; `loaded` as in `findings`.

    Verification names what it cannot count, and connections are checked apart.
    """
    apart = {STATEMENTS, CONNECTIONS}
    return [one for one in findings(rights, loaded=loaded) if one.remedy and one.about not in apart]


def writing(rights: Rights) -> RoleFinding:
    """Why the role can write nothing; without a remedy where it can."""
    if not rights.read_only:
        return RoleFinding("writing", "the role may write")
    source = rights.read_only.partition("set for: ")[2].removesuffix(")")
    name = "default_transaction_read_only"
    remedy = _reset(rights, Timeout(name, "on", source)) if source else "name its primary"
    return RoleFinding("writing", f"nothing can be written: {rights.read_only}", remedy, forbids=True)


def _tables(rights: Rights, *, loaded: bool) -> RoleFinding:
    if rights.creates_tables:
        return RoleFinding("tables", f"made in schema {rights.schema}")
    own = f"CREATE SCHEMA AUTHORIZATION {rights.role} and ALTER ROLE {rights.role} SET search_path = {rights.role}"
    if rights.schema is None:
        text = "the role's search_path leads to no schema that it may use"
        return RoleFinding("tables", text, own, forbids=not loaded)
    text = f"the role may make no tables in schema {rights.schema}"
    remedy = f"GRANT CREATE ON SCHEMA {rights.schema} TO {rights.role}, or {own}"
    return RoleFinding("tables", text, remedy, forbids=not loaded)


def _vacuum(rights: Rights) -> RoleFinding:
    if not rights.others_tables:
        return RoleFinding("vacuum", "the role may vacuum and analyse the dataset's tables")
    listed = ", ".join(rights.others_tables)
    text = f"{listed} belong to another role, so they are not vacuumed and cells do not start equal"
    return RoleFinding("vacuum", text, f"load the dataset as {rights.role}, or GRANT the owner's role TO {rights.role}")


def _settings(rights: Rights) -> RoleFinding:
    if not rights.unknown_settings:
        return RoleFinding("settings", "all that are recorded can be read")
    text = f"these PostgreSQL settings are unknown: {', '.join(rights.unknown_settings)}"
    remedy = f"to let a role read all settings: GRANT pg_read_all_settings TO {rights.role}"
    return RoleFinding("settings", text, remedy)


def _others(rights: Rights) -> RoleFinding:
    if rights.sees_others:
        return RoleFinding("other roles", "their connections are seen with state and kind")
    text = "of connections of other roles only their number is known, not what they do"
    return RoleFinding("other roles", text, f"GRANT pg_read_all_stats TO {rights.role}")


def _checkpoint(rights: Rights) -> RoleFinding:
    if rights.checkpoints:
        return RoleFinding("checkpoint", "one is made before each measurement")
    text = "no checkpoint is made before a measurement, so one may fall into a window"
    if rights.version_num >= GRANTED_FROM:
        return RoleFinding("checkpoint", text, f"GRANT pg_checkpoint TO {rights.role}")
    return RoleFinding("checkpoint", text, "before PostgreSQL 15, only a superuser may: connect as one")


def _statements(rights: Rights) -> RoleFinding:
    counting = rights.counting
    if counting is None or counting.works:
        return RoleFinding(STATEMENTS, f"counted by {statements.NAME}")
    missing = counting.missing()
    text = f"statements_per_request stays empty, because {' and '.join(what for what, _ in missing)}"
    return RoleFinding(STATEMENTS, text, "; ".join(remedy for _, remedy in missing))


def connections(rights: Rights, needed: int | None = None) -> RoleFinding:
    """How many are left for the role, and whether they suffice."""
    tightest = rights.tightest
    text = f"{max(tightest.free, 0)} are free for the role: {tightest.who}, {tightest.taken} are in use"
    if needed is None or needed <= tightest.free:
        return RoleFinding(CONNECTIONS, text)
    return RoleFinding(CONNECTIONS, f"{text}; a run of all services side by side needs {needed}", tightest.remedy)


def _timeout(rights: Rights, one: Timeout) -> RoleFinding:
    text = f"{one.name} is {one.value}: {CONSEQUENCES[one.name]}"
    return RoleFinding("time-out", text, _reset(rights, one))


def _reset(rights: Rights, one: Timeout) -> str:
    pattern = SOURCES.get(one.source, "ALTER ROLE {role} SET {name} = " + ("off" if one.value == "on" else "0"))
    return pattern.format(role=rights.role, database=rights.database, name=one.name)
