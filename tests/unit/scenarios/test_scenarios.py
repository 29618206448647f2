"""What every scenario makes of right answers, and of wrong, cut off and kept ones."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from db.data import dataset
from locustfiles._bodies import related, simulated
from suite import catalogue

# In a process of its own: importing locust patches the standard library. Each user is given its answers in turn, and
# says what is wrong with each.
PLAYED = """
import importlib, json, random, sys
from argparse import Namespace
from locustfiles._http import Answer
from locustfiles import _user

name, user, method, settings, answers = json.load(sys.stdin)
module = importlib.import_module(f"locustfiles.{name}")
asked, said = [], []

class Fake:
    def request(self, method, path, body=None):
        asked.append([method, path, None if body is None else json.loads(body)])
        status, text = answers[len(said)]
        fields = asked[-1][2] or {}
        text = text.replace("NAME", fields.get("name", "")).replace("EMAIL", fields.get("email", ""))
        return Answer(status, text.encode(), 1, 2, "")

class Events:
    class request:
        def fire(exception, **_):
            said.append(str(exception or ""))

one = object.__new__(getattr(module, user))
one.client, one.options, one.recording, one.intended_ns = Fake(), Namespace(**settings), False, 0
one.target, one.environment = Namespace(name=""), Namespace(events=Events)
one.random = one.shared = random.Random(1)
if name == "crud":
    from itertools import count
    one.own_id, one.created_at, one.updated, one.mailbox, one.letters = None, "", False, "box", count()
for step in method:
    getattr(one, step)()
print(json.dumps([asked, said]))
"""
USERS = 1000
SETTINGS = {
    "dataset_users": USERS, "count": 2, "seconds": 2.0, "sleep": "inside", "transaction": "implicit", "session": "own",
    "stream_share": 0.5, "first_byte_s": 0.5, "stream_s": 1.0, "parents": 2, "loading": "join",
}  # fmt: skip
Answers = list[tuple[int, str]]


def played(name: str, user: str, steps: list[str], answers: Answers) -> tuple[list[Any], list[str]]:
    """What a scenario's user asks for, and what it says of each answer."""
    done = subprocess.run(
        [sys.executable, "-c", PLAYED],
        input=json.dumps([name, user, steps, SETTINGS, answers]),
        cwd=catalogue.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked, said = json.loads(done.stdout)
    return asked, said


def user_json(user_id: int) -> str:
    one = dataset.user(user_id)
    fields = {"id": one.id, "name": one.name, "email": one.email, "created_at": f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}"}
    return json.dumps(fields)


def first_asked(name: str, user: str, step: str) -> Any:
    """Its first request: the same in every play, because the generator begins with the same seed."""
    [[_, path, _], *_] = played(name, user, [step], [(500, "")])[0]
    return path


def test_a_read_user_is_that_row_of_the_dataset() -> None:
    """Another row, one that is cut off, and one with a member more are wrong."""
    right = user_json(int(first_asked("point_read", "PointRead", "read_user").rpartition("/")[2]))
    wrong = [user_json(1), right[:-1], right[:-1] + ',"more":1}', "", "[]"]
    for answer, said in [(right, ""), *((one, None) for one in wrong)]:
        [found] = played("point_read", "PointRead", ["read_user"], [(200, answer)])[1]
        assert bool(found) == (said is None), answer


def test_a_page_and_many_reads_are_those_rows_in_that_order() -> None:
    """A list that is shorter, longer or in another order is wrong."""
    offset = int(first_asked("list_page", "ListPage", "list_users").partition("offset=")[2].partition("&")[0])
    rows = [user_json(user_id) for user_id in range(offset + 1, offset + 11)]
    right = f"[{','.join(rows)}]"
    assert played("list_page", "ListPage", ["list_users"], [(200, right)])[1] == [""]
    for wrong in ([*rows, rows[0]], rows[:-1], rows[::-1]):
        said = played("list_page", "ListPage", ["list_users"], [(200, f"[{','.join(wrong)}]")])[1]
        assert said == ["wrong body"]
    assert played("read_many", "ReadMany", ["read_many"], [(200, "[]")])[1] == ["wrong body"]


CREATED = {"id": USERS + 1, "name": "NAME", "email": "EMAIL", "created_at": "2024-05-06T07:08:09.5Z"}
WRITES = ["create_user", "update_user", "delete_user"]


def wrote(**changed: Mapping[str, Any] | str | None) -> list[str]:
    """What is said of a cycle of writes with these answers in place of the right ones."""
    answers = {"create_user": CREATED, "update_user": CREATED, "delete_user": ""} | changed
    texts = [one if isinstance(one, str) else json.dumps(one) for one in answers.values()]
    return played("crud", "Crud", WRITES, list(zip((201, 200, 204), texts, strict=True)))[1]


@pytest.mark.parametrize(
    ("step", "answer", "problem"),
    [
        ("create_user", CREATED, ""),
        ("create_user", CREATED | {"name": "other"}, "wrong name in body"),
        ("create_user", CREATED | {"id": USERS}, "wrong id in body"),  # a row of the dataset
        ("create_user", CREATED | {"created_at": "now"}, "wrong created_at in body"),
        ("create_user", CREATED | {"more": 1}, "wrong more in body"),
        ("create_user", {"name": "NAME", "email": "EMAIL"}, "wrong id, created_at in body"),
        ("create_user", json.dumps(CREATED)[:-1], "body is not JSON"),
        ("update_user", CREATED | {"email": "other"}, "wrong email in body"),
        ("update_user", CREATED | {"id": USERS + 2}, "wrong id in body"),
        ("update_user", CREATED | {"created_at": "2024-05-06T07:08:10Z"}, "wrong created_at in body"),
        ("update_user", {"id": USERS + 1, "name": "NAME", "email": "EMAIL"}, "wrong created_at in body"),
        ("delete_user", "null", "wrong body"),
        ("delete_user", "gone", "body is not JSON"),
    ],
)
def test_a_write_is_answered_with_the_whole_row(step: str, answer: Any, problem: str) -> None:
    """The row that was sent, in full; nothing after it was deleted."""
    said = wrote(**{step: answer})
    assert said[WRITES.index(step)] == problem


def note(number: int | str, path: str, **more: Any) -> str:
    note_id = int(path.split("/")[2])
    return json.dumps({"id": note_id, "data": f"Note {note_id}, version {number}", **more})


def test_a_synchronized_note_has_a_new_version_each_time() -> None:
    """One that was kept from before is older, or the same."""
    steps = ["synchronize_note"] * 4
    paths = [path for _, path, _ in played("synchronize", "Synchronize", steps, [(500, "")] * 4)[0]]
    answers = [(200, note(number, path)) for number, path in zip((5, 9, 9, 7), paths, strict=True)]
    wrong = "wrong data in body"
    assert played("synchronize", "Synchronize", steps, answers)[1] == ["", "", wrong, wrong]
    answers = [
        (200, note(5, paths[0], more=1)),
        (200, note("x", paths[1])),
        (200, note(6, paths[2])[:-1]),
        (200, note(6, "/notes/0")),
    ]
    said = played("synchronize", "Synchronize", steps, answers)[1]
    assert said == ["wrong more in body", wrong, "body is not JSON", "wrong id, data in body"]


def test_a_sleep_is_answered_with_nothing() -> None:
    """Any body is wrong."""
    answers = [(204, ""), (204, "{}"), (204, "x"), (200, "")]
    said = played("session_sleep", "SessionSleep", ["session_sleep"] * 4, answers)[1]
    assert said == ["", "wrong body", "body is not JSON", "status 200 instead of 204"]


def test_a_simulation_is_that_of_its_user() -> None:
    """The same answer for the next user is wrong."""
    steps = ["simulation"] * 3
    paths = [path for _, path, _ in played("simulation", "Simulation", steps, [(500, "")] * 3)[0]]
    first, _, third = (json.dumps(simulated(int(path.partition("=")[2]), USERS)) for path in paths)
    said = played("simulation", "Simulation", steps, [(200, first), (200, first), (200, third[:-1])])[1]
    assert said[0] == ""
    assert "orders" in said[1]
    assert said[2] == "body is not JSON"


def test_a_slow_query_is_answered_with_nothing() -> None:
    """Any body is wrong."""
    asked, said = played("slow_query", "SlowQuery", ["slow_query"] * 2, [(204, ""), (204, "null")])
    assert [path for _, path, _ in asked] == ["/slow-query?seconds=2"] * 2
    assert said == ["", "wrong body"]


def test_related_rows_are_those_of_their_users() -> None:
    """The same JSON in another notation is right; that of other users is wrong."""
    steps = ["relations"] * 3
    paths = [path for _, path, _ in played("relations", "Relations", steps, [(500, "")] * 3)[0]]
    firsts = [int(path.split("first_id=")[1].partition("&")[0]) for path in paths]
    assert all(path.endswith("&parents=2&loading=join") for path in paths)
    right = [related(range(first, first + 2), USERS).decode() for first in firsts]
    answers = [(200, right[0]), (200, json.dumps(json.loads(right[1]))), (200, right[0])]
    assert played("relations", "Relations", steps, answers)[1] == ["", "", "wrong body"]


def test_a_stream_is_ten_lines_and_half_of_the_requests() -> None:
    """A line that is missing, or of another user, is wrong."""
    steps = ["stream_or_read"] * 40
    paths = [path for _, path, _ in played("stream", "Stream", steps, [(500, "")] * 40)[0]]
    streams = [path for path in paths if path.startswith("/streams/own?offset=")]
    assert 10 < len(streams) < 30
    assert all(path.endswith("&limit=10&first_byte_s=0.5&stream_s=1") for path in streams)

    def compact(user_id: int) -> str:
        return json.dumps(json.loads(user_json(user_id)), separators=(",", ":"))

    def body(path: str) -> str:
        if path.startswith("/users/"):
            return compact(int(path.rpartition("/")[2]))
        offset = int(path.split("offset=")[1].partition("&")[0])
        return "".join(compact(user_id) + "\n" for user_id in range(offset + 1, offset + 11))

    right = [(200, body(path)) for path in paths]
    assert played("stream", "Stream", steps, right)[1] == [""] * 40
    cut = [(200, text[: len(text) // 2]) for _, text in right]
    assert set(played("stream", "Stream", steps, cut)[1]) == {"body is not JSON"}
