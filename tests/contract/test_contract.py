"""Every service answers the contract, from a restored database, and all of them alike."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import httpx
import pytest

from bench.measure.gate import agreement, contract
from bench.measure.gate.agreement import ContractAnswer
from bench.measure.gate.contract import Check
from db import server
from db.address.dsn import Dsn
from db.data import buyer, dataset
from db.data.restore import restore
from services.contract.operations import OPERATIONS
from suite import catalogue
from suite.service import Service
from tests.contract.conftest import WITH_DATABASE

ALL = tuple(catalogue.services())

Answers = Mapping[str, Mapping[Check, ContractAnswer]]


def ask_from_restored(database: Dsn, service: Service, users: int) -> Mapping[Check, ContractAnswer]:
    restore(database)
    return agreement.run_service_checks(service.url, service, contract.checks(users, buyer.of_little(database)))


@pytest.fixture(scope="module")
def given() -> dict[str, Mapping[Check, ContractAnswer]]:
    """Answers by service, kept from the first test that asked."""
    return {}


@pytest.fixture
def answers(
    database: Dsn, services: tuple[Service, ...], users: int, given: dict[str, Mapping[Check, ContractAnswer]]
) -> Answers:
    for service in services:
        if service.name not in given:
            given[service.name] = ask_from_restored(database, service, users)
    return given


@pytest.mark.parametrize("name", ALL)
def test_a_service_answers_the_contract(name: str, answers: Answers) -> None:
    """Every check that concerns it has the status, and where it is fixed the body, that the contract says."""
    assert len(answers[name]) > 20
    assert agreement.disagreements({name: answers[name]}) == ()


def test_services_agree(answers: Answers) -> None:
    """Statuses, media types and bodies are the same bytes everywhere, error wordings included."""
    assert list(answers) == list(ALL)
    assert agreement.disagreements(answers) == ()


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_restored_database_answers_as_before(name: str, database: Dsn, answers: Answers, users: int) -> None:
    """After creates, updates and deletes, a restore brings back rows and ids: the same checks, the same answers."""
    service = catalogue.service(name)
    checks = contract.checks(users, buyer.of_little(database))
    restore(database)
    assert agreement.run_service_checks(service.url, service, checks) == answers[name]
    assert agreement.run_service_checks(service.url, service, checks) != answers[name], (
        "the checks change nothing: restore is not tested"
    )
    restore(database)
    assert agreement.run_service_checks(service.url, service, checks) == answers[name]


def test_openapi_documents_differ_in_the_title_alone(services: tuple[Service, ...]) -> None:
    """Same paths, parameters, models and answers; the title is the one that service.toml gives."""
    documents = {service.name: agreement.openapi(service.url) for service in services}
    reference = documents[ALL[0]]
    assert len(reference["paths"]) >= 5
    for name, document in documents.items():
        assert document == reference, name
    for service in services:
        assert httpx.get(f"{service.url}/openapi.json").json()["info"]["title"] == service.title


def test_openapi_names_every_operation(services: tuple[Service, ...]) -> None:
    """The table of operations and the routes that exist are the same."""
    paths = agreement.openapi(services[0].url)["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert routes == {(operation.method, operation.path) for operation in OPERATIONS.values()}


def test_bad_input_gets_the_same_answer_without_a_database(services: tuple[Service, ...], answers: Answers) -> None:
    """no_database refuses what the others refuse, in the same words, on every operation."""
    reference = answers["asyncpg_async"]
    refused = [check for check in reference if check.status in {400, 422}]
    assert {check.operation for check in refused} >= {"read_user", "create_user", "update_user", "delete_user"}
    bare = next(service for service in services if service.name == "no_database")
    assert agreement.run_service_checks(bare.url, replace(bare, operations=None), refused) == {
        c: reference[c] for c in refused
    }


def test_no_database_says_501_to_what_it_lacks(services: tuple[Service, ...], users: int) -> None:
    """Well-formed requests for it get one and the same body."""
    bare = next(service for service in services if service.name == "no_database")
    lacking = [
        check
        for check in contract.checks(users, buyer=1)
        if not bare.answers([check.operation])
        and (check.method != "GET" or not check.path.startswith(("/users/", "/users?")))
        and check.status not in {400, 422}
    ]
    assert {check.method for check in lacking} == {"GET", "POST", "PUT", "DELETE"}
    assert {check.operation for check in lacking} == set(OPERATIONS) - set(bare.operations or ())
    given = agreement.run_service_checks(bare.url, replace(bare, operations=None), lacking)
    expected = ContractAnswer(501, "application/json", b'{"detail":"this service has no database"}')
    assert set(given.values()) == {expected}


def test_a_library_says_501_to_what_makes_no_sense_with_it(services: tuple[Service, ...], users: int) -> None:
    """Bad requests for it get the same answer as everywhere."""
    lacking = [service for service in services if service.without]
    assert {service.name for service in lacking} == {"peewee_sync", "piccolo_async", "tortoise_async"}
    for service in lacking:
        asked = [check for check in contract.checks(users, buyer=1) if not service.answers([check.operation])]
        assert {check.operation for check in asked} == set(service.without)
        given = agreement.run_service_checks(service.url, replace(service, without=()), asked)
        statuses = {check: answer.status for check, answer in given.items()}
        assert statuses == {check: 422 if check.status == 422 else 501 for check in asked}


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_synchronized_note_is_stored(name: str, restored: Dsn, services: tuple[Service, ...]) -> None:
    """What was answered is what the table has, another version each time; a restore brings the old text back."""
    service = catalogue.service(name)
    assert service in services
    versions = []
    with server.connect(restored) as conn:
        for transaction in ("implicit", "explicit"):
            answer = httpx.post(f"{service.url}/notes/3/synchronize?transaction={transaction}")
            versions.append(conn.execute("SELECT id, data FROM notes WHERE id = 3").fetchone())
            assert answer.json() == dict(zip(("id", "data"), versions[-1] or (), strict=True))
        assert len({*versions, (3, dataset.note(3))}) == 3
        restore(restored)
        assert conn.execute("SELECT id, data FROM notes WHERE id = 3").fetchone() == (3, dataset.note(3))


PRODUCTS = """
    SELECT id, name, price::text FROM products
    WHERE id IN (SELECT product_id FROM order_items, orders WHERE order_id = orders.id AND user_id = %s) ORDER BY id
"""
ORDERS = """
    SELECT orders.id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'), items.id, product_id, quantity,
        price::text
    FROM orders LEFT JOIN order_items AS items ON order_id = orders.id WHERE user_id = %s ORDER BY orders.id, items.id
"""


def test_a_simulation_is_what_sql_says(restored: Dsn, services: tuple[Service, ...]) -> None:
    """Tables, sum and Fibonacci number, of a user who has an order without items and several with."""
    user_id = buyer.of_little(restored)
    with server.connect(restored) as conn:
        products = conn.execute(PRODUCTS, [user_id]).fetchall()
        orders = conn.execute(ORDERS, [user_id]).fetchall()
    assert products
    assert {row[2] is None for row in orders} == {True, False}
    total = sum(row[4] or 0 for row in orders)
    before, fibonacci = 1, 0
    for _ in range(total):
        before, fibonacci = fibonacci, before + fibonacci
    for service in services:
        if service.needs_database:
            answer = httpx.get(f"{service.url}/simulation?user_id={user_id}").json()
            created_at = [time.removesuffix("Z").partition(".")[0] for time in answer["orders"].pop("created_at")]
            assert created_at == [row[1] for row in orders], service.name
            assert answer == {
                "products": columns(("id", "name", "price"), products),
                "orders": columns(
                    ("order_id", "item_id", "product_id", "quantity", "price"), [(row[0], *row[2:]) for row in orders]
                ),
                "total_quantity": total,
                "fibonacci": fibonacci,
            }, service.name


def columns(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    return {name: [row[number] for row in rows] for number, name in enumerate(names)}
