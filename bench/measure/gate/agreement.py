"""Sends the requests of the contract to a service or target, and compares the answers."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measure.gate import asking, clients, obstacles
from bench.measure.gate.asking import Question, Reply
from bench.measure.gate.contract import Check
from suite.service import Service

CREATED_NOW = re.compile(rb'"created_at":"[^"]*"')
NOTE_VERSION = re.compile(rb"version \d+")
FIRST_REFUSAL = 400


@dataclass(frozen=True)
class ContractAnswer:
    """An answer without the parts that may differ between two calls. `obstacle`: why no load can use it, in words."""

    status: int
    media_type: str
    body: bytes
    obstacle: str = ""


@dataclass(frozen=True)
class Disagreement:
    """A wrong answer of a service or target."""

    service: str
    check: Check
    expected: str
    answered: str

    def __str__(self) -> str:
        where = f"{self.check.method} {self.check.path}"
        return f"{self.service}: {self.check.name} ({where}): expected {self.expected}, got {self.answered}"


def run_service_checks(base_url: str, service: Service, todo: Sequence[Check]) -> dict[Check, ContractAnswer]:
    """Run the checks of the operations that a service answers. Raises UnansweredError if it does not answer."""
    # A new connection for each request: uvicorn closes a connection when the application raises.
    return run_checks(base_url, [check for check in todo if service.answers([check.operation])], reuse=False)


def run_checks(
    base_url: str, todo: Sequence[Check], *, reuse: bool = True, trusted: str = ""
) -> dict[Check, ContractAnswer]:
    """Send all of these checks to an address, one after the other. Raises UnansweredError if there is no answer.

    Without `reuse`, every request has a new connection. `trusted`: certificates (PEM) beside the system's.
    """
    questions = [Question(check.method, check.path, check.send) for check in todo]
    replies = asking.ask(base_url, questions, trusted=trusted, reuse=reuse)
    return {check: _comparable(base_url, check, reply) for check, reply in zip(todo, replies, strict=True)}


def openapi(base_url: str) -> dict[str, Any]:
    """The OpenAPI document of a service, without its title."""
    with clients.client(base_url) as client:
        document: dict[str, Any] = client.get("/openapi.json").json()
    document["info"].pop("title")
    return document


def disagreements(answers: Mapping[str, Mapping[Check, ContractAnswer]]) -> tuple[Disagreement, ...]:
    """Compare the answers of all services with the contract and with each other.

    Where the contract leaves the body open, the first service that answers a check is the reference.
    """
    found: list[Disagreement] = []
    reference: dict[Check, ContractAnswer] = {}
    for service, given in answers.items():
        for check, answer in given.items():
            if answer.status != check.status:
                found.append(Disagreement(service, check, f"status {check.status}", _shortened(answer)))
            elif check.body is not None and answer.body != check.body:
                found.append(Disagreement(service, check, check.body.decode(), _shortened(answer)))
            elif answer != (first := reference.setdefault(check, answer)):
                found.append(Disagreement(service, check, f"as others: {_shortened(first)}", _shortened(answer)))
    return tuple(found)


def target_checks(todo: Sequence[Check], operations: Collection[str]) -> list[Check]:
    """The checks for a target: those of these operations. How it refuses bad input is not measured, so not checked."""
    concerned = [check for check in todo if check.operation in operations]
    deleted = [check for check in concerned if (check.operation, check.method) == ("delete_user", "GET")]
    return [check for check in concerned if check.status < FIRST_REFUSAL or check in deleted]


def target_disagreements(name: str, answers: Mapping[Check, ContractAnswer]) -> list[Disagreement]:
    """The wrong answers of a target. The same JSON in another notation is a right answer, as it is for the load."""
    wrong = list[Disagreement]()
    for check, answer in answers.items():
        if answer.obstacle:
            wrong.append(Disagreement(name, check, f"status {check.status}", answer.obstacle))
        elif answer.status != check.status:
            wrong.append(Disagreement(name, check, f"status {check.status}", _shortened(answer)))
        elif check.body is not None and not _same_json(answer.body, check.body):
            zone = _same_json(answer.body.replace(b"+00:00", b"Z"), check.body)
            hint = " (the contract's times end in Z, as a pydantic response model writes them)" if zone else ""
            wrong.append(Disagreement(name, check, check.body.decode(), _shortened(answer) + hint))
    return wrong


def _same_json(body: bytes, expected: bytes) -> bool:
    try:
        return body == expected or (bool(expected) and json.loads(body) == json.loads(expected))
    except ValueError:
        return False


def _comparable(base_url: str, check: Check, reply: Reply) -> ContractAnswer:
    """Remove what may differ between two calls: the time of creation and the number of a note's version."""
    body = CREATED_NOW.sub(b'"created_at":""', reply.body) if check.created_now else reply.body
    body = NOTE_VERSION.sub(b"version", body)
    obstacle = obstacles.of_reply(base_url, check.path, reply)
    return ContractAnswer(reply.status, reply.headers.get("content-type", ""), body, obstacle)


def _shortened(answer: ContractAnswer) -> str:
    body = answer.body.decode(errors="replace")
    return f"status {answer.status} {body[:200]}{'...' if len(body) > 200 else ''}"
