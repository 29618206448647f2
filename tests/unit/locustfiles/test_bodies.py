"""Bodies whose bytes are not known beforehand: every member is right, and there is no other."""

import json
from typing import Any

import pytest

from locustfiles._bodies import exactly, fibonacci, is_id_beyond, is_moment, simulated, version
from services.contract import computation
from services.contract.models import Simulation

USERS = 1000
USER = exactly(id=is_id_beyond(10), name="A", created_at=is_moment)
RIGHT = {"id": 11, "name": "A", "created_at": "2024-05-06T07:08:09.123456Z"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (RIGHT, ""),
        (RIGHT | {"created_at": "2024-05-06T07:08:09+00:00"}, ""),
        (RIGHT | {"name": "B"}, "wrong name in body"),
        (RIGHT | {"id": 10}, "wrong id in body"),
        (RIGHT | {"id": "11"}, "wrong id in body"),
        (RIGHT | {"id": True}, "wrong id in body"),
        (RIGHT | {"created_at": "2024-05-06"}, "wrong created_at in body"),
        (RIGHT | {"created_at": None}, "wrong created_at in body"),
        (RIGHT | {"password": "x"}, "wrong password in body"),
        ({"id": 11, "name": "A"}, "wrong created_at in body"),
        ({}, "wrong id, name, created_at in body"),
    ],
)
def test_every_member_is_right_and_there_is_no_other(answer: dict[str, Any], problem: str) -> None:
    """The members that are not are named."""
    assert USER(answer) == problem


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Note 7, version 12", 12),
        ("Note 8, version 12", None),
        ("Note 7, version 12 ", None),
        ("Note 7, version -1", None),
        ("Note 7, version ", None),
        ("Note 7, version \u0661", None),
        (f"Note 7, version {'9' * 5000}", None),
        (None, None),
        (7, None),
    ],
)
def test_a_version_is_that_of_its_note(text: Any, number: int | None) -> None:
    """Digits and nothing else."""
    assert version(7, text) == number


def wrong(answer: dict[str, Any], user_id: int) -> str:
    return exactly(**simulated(user_id, USERS))(answer)


def test_the_answer_for_one_user_is_wrong_for_every_other_who_bought_something_else() -> None:
    """A service that gives one and the same answer is caught at the second user."""
    answers = {user_id: simulated(user_id, USERS) for user_id in range(1, 101)}
    for user_id, answer in answers.items():
        assert wrong(answer, user_id) == ""
        others = [other for other, mine in answers.items() if mine["orders"]["order_id"] and other != user_id]
        assert all("wrong orders" in wrong(answer, other).replace("products, ", "") for other in others)


def test_a_change_of_any_value_is_caught() -> None:
    """Each in turn, in every column, and a row that is missing."""
    user_id = next(one for one in range(1, USERS) if len(simulated(one, USERS)["products"]["id"]) > 1)
    text = json.dumps(simulated(user_id, USERS))
    changes = 0
    for table in ("products", "orders"):
        for column, values in json.loads(text)[table].items():
            for number in range(len(values)):
                answer = json.loads(text)
                answer[table][column][number] = "other"
                assert wrong(answer, user_id) == f"wrong {table} in body"
                changes += 1
        answer = json.loads(text)
        for values in answer[table].values():
            values.pop()
        assert wrong(answer, user_id) == f"wrong {table} in body"
    for figure in ("total_quantity", "fibonacci"):
        assert wrong(json.loads(text) | {figure: -1}, user_id) == f"wrong {figure} in body"
    assert changes > 20


def test_an_answer_has_the_form_of_the_contract() -> None:
    """The model reads it, and writes the same JSON."""
    for user_id in (1, 2, 3, USERS):
        text = json.dumps(simulated(user_id, USERS), separators=(",", ":"))
        assert Simulation.model_validate_json(text).model_dump_json() == text


def test_an_unknown_user_has_bought_nothing() -> None:
    """All columns are empty."""
    answer = simulated(USERS + 1, USERS)
    assert (answer["total_quantity"], answer["fibonacci"]) == (0, 0)
    assert not any(values for table in ("products", "orders") for values in answer[table].values())


def test_fibonacci_numbers_are_those_of_the_services() -> None:
    """Which compute them the slow way."""
    assert [fibonacci(n) for n in range(20)] == [computation.fibonacci(n) for n in range(20)]
    assert fibonacci(computation.FIBONACCI_MAX) == 9_227_465
