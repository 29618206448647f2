"""The checks of the contract: every request that a service must answer, with the right answer."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.data import dataset
from locustfiles._bodies import related, simulated
from services.contract import frames, point_reads
from services.contract.models import Simulation, User
from services.contract.operations import OPERATIONS, STREAM_SESSIONS
from services.contract.params import BIGINT_MAX


@dataclass(frozen=True)
class Check:
    """One request and the right answer: a status, and a body where the contract specifies it.

    Where it does not (the wording of an error), all services must still send the same bytes.
    """

    name: str
    operation: str
    method: str
    path: str
    status: int
    body: bytes | None = None
    send: bytes | None = None
    created_now: bool = False


def checks(users: int, buyer: int) -> tuple[Check, ...]:
    """All checks, in an order that works on a restored dataset with this many users.

    `buyer` is a user with so few orders that the simulation takes hardly any time.
    """
    return (
        *_reads(users), *_streams(users), *_relations(users),
        *_creates(users), *_updates_and_deletes(users), *_notes(users // 10), *_sleeps(),
        *_simulations(users, buyer), *_slow_queries(),
    )  # fmt: skip


def _reads(users: int) -> Iterator[Check]:
    many = "/point-reads?count={count}&seed={seed}".format
    yield Check("ping", "ping", "GET", "/ping", 200, b'{"ping":"pong"}')
    for user_id in (1, users // 2, users):
        yield Check(f"user {user_id}", "read_user", "GET", f"/users/{user_id}", 200, _user(user_id))
    yield Check("a user beyond the last", "read_user", "GET", f"/users/{users + 1}", 404)
    yield Check("the largest bigint", "read_user", "GET", f"/users/{BIGINT_MAX}", 404)
    for name, text in (
        ("zero", "0"),
        ("beyond bigint", str(BIGINT_MAX + 1)),
        ("not a number", "1%27--"),
        ("NUL", "%00"),
    ):
        yield Check(f"id {name}", "read_user", "GET", f"/users/{text}", 422)
    yield Check("the first page", "list_users", "GET", "/users", 200, _users(range(1, 11)))
    last = range(users - 2, users + 1)
    yield Check("the last page", "list_users", "GET", f"/users?offset={users - 3}&limit=100", 200, _users(last))
    yield Check("a page beyond the last", "list_users", "GET", f"/users?offset={BIGINT_MAX}&limit=1", 200, b"[]")
    for query in ("limit=0", "limit=101", "offset=-1", f"offset={BIGINT_MAX + 1}", "limit=ten"):
        yield Check(query, "list_users", "GET", f"/users?{query}", 422)
    for count, seed in ((1, 0), (20, 7), (100, BIGINT_MAX)):
        ids = point_reads.ids(count, seed, users)
        yield Check(f"{count} reads", "read_many", "GET", many(count=count, seed=seed), 200, _users(ids))
    for query in ("count=0&seed=1", "count=101&seed=1", "count=1", "seed=1", "count=1&seed=-1"):
        yield Check(query, "read_many", "GET", f"/point-reads?{query}", 422)
    yield Check("no such route", "ping", "GET", "/no-such-route", 404)
    yield Check("no such method", "ping", "DELETE", "/ping", 405)


# Bad fields of a user. Every service must refuse them, and none may fail on them.
BAD_FIELDS = {
    "no body": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"name":"\xff","email":"a@example.com"}',
    "a list": b"[]",
    "no email": b'{"name":"A"}',
    "an empty name": b'{"name":"","email":"a@example.com"}',
    "a name of 101 letters": b'{"name":"' + b"A" * 101 + b'","email":"a@example.com"}',
    "no address": b'{"name":"A","email":"nowhere"}',
    "NUL in the name": b'{"name":"A\\u0000B","email":"a@example.com"}',
    "NUL in the email": b'{"name":"A","email":"a\\u0000@example.com"}',
    "a lone surrogate": b'{"name":"\\ud800","email":"a@example.com"}',
    "NaN": b'{"name":NaN,"email":"a@example.com"}',
    "a number": b'{"name":1e999,"email":"a@example.com"}',
}


def _creates(users: int) -> Iterator[Check]:
    for user_id, (name, email) in enumerate(
        (("Zoë O'Brien; DROP TABLE users;--", "zoe@example.com"), ('"%s" :id $1 \\', "x+y@example.org")), users + 1
    ):
        answer = _fields(id=user_id, name=name, email=email, created_at="")
        send = _fields(name=name, email=email)
        yield Check(f"create {name}", "create_user", "POST", "/users", 201, answer, send, created_now=True)
        yield Check(f"read {name}", "create_user", "GET", f"/users/{user_id}", 200, answer, created_now=True)
    taken = _fields(name="A", email=dataset.user(1).email)
    yield Check("create with a taken email", "create_user", "POST", "/users", 409, send=taken)
    for name, send in BAD_FIELDS.items():
        status = 400 if name == "not UTF-8" else 422
        yield Check(f"create with {name}", "create_user", "POST", "/users", status, send=send)


def _updates_and_deletes(users: int) -> Iterator[Check]:
    own, send = f"/users/{users + 1}", _fields(name="New Name", email="new@example.com")
    changed = _fields(id=users + 1, name="New Name", email="new@example.com", created_at="")
    update = "update_user"
    for times in ("once", "again"):
        yield Check(f"update {times}", update, "PUT", own, 200, changed, send, created_now=True)
    yield Check("read the update", "update_user", "GET", own, 200, changed, created_now=True)
    unknown = f"/users/{users + 99}"
    yield Check("update unknown", update, "PUT", unknown, 404, send=_fields(name="A", email="b@example.com"))
    taken = _fields(name="A", email=dataset.user(2).email)
    yield Check("update to a taken email", update, "PUT", own, 409, send=taken)
    for name in ("NUL in the name", "NaN", "a lone surrogate", "no email"):
        yield Check(f"update with {name}", update, "PUT", own, 422, send=BAD_FIELDS[name])
    yield Check("update id zero", update, "PUT", "/users/0", 422, send=send)
    yield Check("delete a user with orders", "delete_user", "DELETE", "/users/1", 409)
    yield Check("delete", "delete_user", "DELETE", own, 204, b"")
    yield Check("delete again", "delete_user", "DELETE", own, 404)
    yield Check("read the deleted", "delete_user", "GET", own, 404)
    yield Check("delete beyond bigint", "delete_user", "DELETE", f"/users/{BIGINT_MAX + 1}", 422)


def _notes(notes: int) -> Iterator[Check]:
    for transaction in ("?transaction=implicit", "?transaction=explicit", ""):
        for note_id in (1, notes):
            text = _fields(id=note_id, data=dataset.note(note_id))
            path = f"/notes/{note_id}{transaction}"
            yield Check(f"note {note_id}{transaction}", "read_note", "GET", path, 200, text)
    for transaction in ("?transaction=implicit", "?transaction=explicit", ""):
        name, path = f"synchronize note 2{transaction}", f"/notes/2/synchronize{transaction}"
        written = _fields(id=2, data="Note 2, version")
        yield Check(name, "synchronize_note", "POST", path, 200, written)
        yield Check(f"read after {name}", "synchronize_note", "GET", "/notes/2", 200, written)
    for transaction in ("implicit", "explicit"):
        for operation, method, more in (("read_note", "GET", ""), ("synchronize_note", "POST", "/synchronize")):
            for note_id, status in ((notes + 1, 404), (BIGINT_MAX, 404), (0, 422), (BIGINT_MAX + 1, 422)):
                path = f"/notes/{note_id}{more}?transaction={transaction}"
                yield Check(f"{operation} of note {note_id}, {transaction}", operation, method, path, status)
    yield Check("no such kind of transaction", "read_note", "GET", "/notes/1?transaction=none", 422)


def _sleeps() -> Iterator[Check]:
    for sleep in ("inside", "outside"):
        path = f"/session-sleep?sleep={sleep}&seconds=0.001"
        yield Check(f"sleep {sleep}", "session_sleep", "GET", path, 204, b"")
    for query in (
        "",
        "?sleep=beside",
        "?sleep=inside&seconds=-1",
        "?sleep=inside&seconds=61",
        "?sleep=inside&seconds=nan",
    ):
        yield Check(f"sleep {query or 'without a query'}", "session_sleep", "GET", f"/session-sleep{query}", 422)


def _simulations(users: int, buyer: int) -> Iterator[Check]:
    nothing = Simulation.of(frames.products_ordered([]), frames.orders_with_items([]))
    body = nothing.model_dump_json().encode()
    right = _fields(**simulated(buyer, users))
    yield Check(f"simulate for user {buyer}", "simulation", "GET", f"/simulation?user_id={buyer}", 200, right)
    for unknown in (users + 1, BIGINT_MAX):
        yield Check("simulate for an unknown user", "simulation", "GET", f"/simulation?user_id={unknown}", 200, body)
    for query in ("", "?user_id=0", f"?user_id={BIGINT_MAX + 1}", "?user_id=%00"):
        yield Check(f"simulate for {query or 'no user'}", "simulation", "GET", f"/simulation{query}", 422)


def _streams(users: int) -> Iterator[Check]:
    for session in STREAM_SESSIONS:
        name, path = f"stream_{session}", f"/streams/{session}"
        lines = b"".join(_user(user_id) + b"\n" for user_id in range(2, 5))
        query = "?offset=1&limit=3&first_byte_s=0.001&stream_s=0.003"
        yield Check(f"{name}: three lines", name, "GET", path + query, 200, lines)
        yield Check(f"{name} beyond the last user", name, "GET", f"{path}?offset={users}&stream_s=0", 200, b"")
        for query in ("offset=-1", "limit=0", "limit=101", "stream_s=61", "stream_s=nan", "first_byte_s=-1"):
            yield Check(f"{name}: {query}", name, "GET", f"{path}?{query}", 422)


def _relations(users: int) -> Iterator[Check]:
    path = "/users-with-orders"
    for loading in OPERATIONS["relations"].variants:
        for first_id, parents in ((1, 1), (2, 10), (users - 2, 100)):
            ids = range(first_id, min(first_id + parents, users + 1))
            asked = f"{path}?first_id={first_id}&parents={parents}&loading={loading}"
            yield Check(
                f"{loading}: {parents} from user {first_id}", "relations", "GET", asked, 200, related(ids, users)
            )
        asked = f"{path}?first_id={BIGINT_MAX}&loading={loading}"
        yield Check(f"{loading}: beyond the last user", "relations", "GET", asked, 200, b"[]")
    for query in ("", "?first_id=0", "?first_id=1&parents=0", "?first_id=1&parents=101", "?first_id=1&loading=eager"):
        yield Check(f"relations: {query or 'no query'}", "relations", "GET", f"{path}{query}", 422)


def _slow_queries() -> Iterator[Check]:
    yield Check("a slow query", "slow_query", "GET", "/slow-query?seconds=0.001", 204, b"")
    for query in ("seconds=-1", "seconds=61", "seconds=nan"):
        yield Check(f"a slow query, {query}", "slow_query", "GET", f"/slow-query?{query}", 422)


def _user(user_id: int) -> bytes:
    return User(**dataset.user(user_id)._asdict()).model_dump_json().encode()


def _users(user_ids: Sequence[int]) -> bytes:
    return b"[" + b",".join(map(_user, user_ids)) + b"]"


def _fields(**fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
