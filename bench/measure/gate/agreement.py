"""Puts the contract's questions to a service, and compares answers."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bench.measure.gate.contract import Check
from suite.catalogue import Service

CREATED_NOW = re.compile(rb'"created_at":"[^"]*"')
NOTE_VERSION = re.compile(rb"version \d+")
FIRST_REFUSAL = 400
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class ContractAnswer:
    """What came back, with nothing in it that may differ between two calls."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Disagreement:
    """A service that did not answer as it must."""

    service: str
    check: Check
    expected: str
    answered: str

    def __str__(self) -> str:
        where = f"{self.check.method} {self.check.path}"
        return f"{self.service}: {self.check.name} ({where}): expected {self.expected}, got {self.answered}"


def ask(base_url: str, service: Service, todo: Sequence[Check]) -> dict[Check, ContractAnswer]:
    """Put the checks that concern a service to it, one by one. Raises httpx.HTTPError if it does not answer."""
    return ask_all(base_url, [check for check in todo if service.answers([check.operation])])


def ask_all(base_url: str, todo: Sequence[Check]) -> dict[Check, ContractAnswer]:
    """Put all of these checks to somebody, one by one. Raises httpx.HTTPError if nobody answers."""
    answers = {}
    # A connection for each request: uvicorn closes one on which the application raised.
    one_use = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=base_url, timeout=40.0, trust_env=False, limits=one_use) as client:
        for check in todo:
            headers = JSON if check.send is not None else {}
            response = client.request(check.method, check.path, content=check.send, headers=headers)
            answers[check] = _answer(check, response)
    return answers


def openapi(base_url: str) -> dict[str, Any]:
    """A service's OpenAPI document without its title."""
    document: dict[str, Any] = httpx.get(f"{base_url}/openapi.json", timeout=10.0, trust_env=False).json()
    document["info"].pop("title")
    return document


def disagreements(answers: Mapping[str, Mapping[Check, ContractAnswer]]) -> tuple[Disagreement, ...]:
    """Compare answers, by service, with the contract and with the first service that has one."""
    found: list[Disagreement] = []
    reference: dict[Check, ContractAnswer] = {}
    for service, given in answers.items():
        for check, answer in given.items():
            if answer.status != check.status:
                found.append(Disagreement(service, check, f"status {check.status}", _short(answer)))
            elif check.body is not None and answer.body != check.body:
                found.append(Disagreement(service, check, check.body.decode(), _short(answer)))
            elif answer != (first := reference.setdefault(check, answer)):
                found.append(Disagreement(service, check, f"as others: {_short(first)}", _short(answer)))
    return tuple(found)


def for_target(todo: Sequence[Check], operations: Collection[str]) -> list[Check]:
    """What a target is asked: what these operations do. How it refuses bad input is no part of what is measured."""
    mine = [check for check in todo if check.operation in operations]
    deleted = [check for check in mine if (check.operation, check.method) == ("delete_user", "GET")]
    return [check for check in mine if check.status < FIRST_REFUSAL or check in deleted]


def of_target(name: str, answers: Mapping[Check, ContractAnswer]) -> list[Disagreement]:
    """What a target answers wrongly. As the load has it, the same JSON written in another way is the same answer."""
    wrong = list[Disagreement]()
    for check, answer in answers.items():
        if answer.status != check.status:
            wrong.append(Disagreement(name, check, f"status {check.status}", _short(answer)))
        elif check.body is not None and not _same(answer.body, check.body):
            zone = _same(answer.body.replace(b"+00:00", b"Z"), check.body)
            hint = " (the contract's times end in Z, as a pydantic response model writes them)" if zone else ""
            wrong.append(Disagreement(name, check, check.body.decode(), _short(answer) + hint))
    return wrong


def _same(body: bytes, expected: bytes) -> bool:
    try:
        return body == expected or (bool(expected) and json.loads(body) == json.loads(expected))
    except ValueError:
        return False


def _answer(check: Check, response: httpx.Response) -> ContractAnswer:
    body = CREATED_NOW.sub(b'"created_at":""', response.content) if check.created_now else response.content
    body = NOTE_VERSION.sub(b"version", body)
    return ContractAnswer(response.status_code, response.headers.get("content-type", ""), body)


def _short(answer: ContractAnswer) -> str:
    body = answer.body.decode(errors="replace")
    return f"status {answer.status} {body[:200]}{'...' if len(body) > 200 else ''}"
