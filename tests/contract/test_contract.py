"""Every service answers the contract, from a restored database, and all of them alike."""

from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from bench import catalogue, verify
from bench.catalogue import Service
from bench.verify import Answer, Check
from db import buyer
from db.dsn import Dsn
from db.restore import restore

ALL = tuple(catalogue.services())
WITH_DATABASE = tuple(name for name, service in catalogue.services().items() if service.needs_database)

Answers = Mapping[str, Mapping[Check, Answer]]


def ask_from_restored(database: Dsn, service: Service, users: int) -> Mapping[Check, Answer]:
    restore(database)
    return verify.ask(service.url, service, verify.checks(users, buyer.of_little(database)))


@pytest.fixture(scope="module")
def given() -> dict[str, Mapping[Check, Answer]]:
    """Answers by service, kept from the first test that asked."""
    return {}


@pytest.fixture
def answers(
    database: Dsn, services: tuple[Service, ...], users: int, given: dict[str, Mapping[Check, Answer]]
) -> Answers:
    for service in services:
        if service.name not in given:
            given[service.name] = ask_from_restored(database, service, users)
    return given


@pytest.mark.parametrize("name", ALL)
def test_a_service_answers_the_contract(name: str, answers: Answers) -> None:
    """Every check that concerns it has the status, and where it is fixed the body, that the contract says."""
    assert len(answers[name]) > 20
    assert verify.disagreements({name: answers[name]}) == ()


def test_services_agree(answers: Answers) -> None:
    """Statuses, media types and bodies are the same bytes everywhere, error wordings included."""
    assert list(answers) == list(ALL)
    assert verify.disagreements(answers) == ()


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_restored_database_answers_as_before(name: str, database: Dsn, answers: Answers, users: int) -> None:
    """After creates, updates and deletes, a restore brings back rows and ids: the same checks, the same answers."""
    service = catalogue.service(name)
    checks = verify.checks(users, buyer.of_little(database))
    restore(database)
    assert verify.ask(service.url, service, checks) == answers[name]
    assert verify.ask(service.url, service, checks) != answers[name], "the checks change nothing: restore is not tested"
    restore(database)
    assert verify.ask(service.url, service, checks) == answers[name]


def test_openapi_documents_differ_in_the_title_alone(services: tuple[Service, ...]) -> None:
    """Same paths, parameters, models and answers; the title is the one that service.toml gives."""
    documents = {service.name: verify.openapi(service.url) for service in services}
    reference = documents[ALL[0]]
    assert len(reference["paths"]) >= 5
    for name, document in documents.items():
        assert document == reference, name
    for service in services:
        assert httpx.get(f"{service.url}/openapi.json").json()["info"]["title"] == service.title


def test_openapi_names_every_operation(services: tuple[Service, ...]) -> None:
    """The table of operations and the routes that exist are the same."""
    from services.contract import OPERATIONS  # noqa: PLC0415  # `services` names the fixture elsewhere

    paths = verify.openapi(services[0].url)["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert routes == {(operation.method, operation.path) for operation in OPERATIONS.values()}


def test_bad_input_gets_the_same_answer_without_a_database(services: tuple[Service, ...], answers: Answers) -> None:
    """no_database refuses what the others refuse, in the same words, on every operation."""
    reference = answers["asyncpg_async"]
    refused = [check for check in reference if check.status in {400, 422}]
    assert {check.operation for check in refused} >= {"read_user", "create_user", "update_user", "delete_user"}
    bare = next(service for service in services if service.name == "no_database")
    assert verify.ask(bare.url, replace(bare, operations=None), refused) == {c: reference[c] for c in refused}


def test_no_database_says_501_to_what_it_lacks(services: tuple[Service, ...], users: int) -> None:
    """Well-formed writes get one and the same body."""
    bare = next(service for service in services if service.name == "no_database")
    lacking = [
        check
        for check in verify.checks(users, buyer=1)
        if not bare.answers([check.operation]) and check.method != "GET" and check.status not in {400, 422}
    ]
    assert {check.method for check in lacking} == {"POST", "PUT", "DELETE"}
    given = verify.ask(bare.url, replace(bare, operations=None), lacking)
    expected = Answer(501, "application/json", b'{"detail":"this service has no database"}')
    assert set(given.values()) == {expected}
