"""Requests that nobody thought of, generated from the OpenAPI document: the services answer as it says, and alike."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from bench.measure.gate import agreement
from db import server
from db.address.dsn import Dsn
from db.data import buyer, loader
from db.data.restore import restore
from services.contract.operations import OPERATIONS
from suite import catalogue
from suite.service import Service
from tests.conftest import SCALE
from tests.contract.conftest import WITH_DATABASE

# Pool time-out and the external API: the document declares these, and nothing else of the kind is an answer.
DECLARED = frozenset({502, 503})
# What these answer is a service's own.
OWN = frozenset({"health", "metrics"})
CONFORMANCE = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
Case = schemathesis.Case[Any]
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
# What FastAPI itself answers, with 400, to a body that is no text: no document that it makes has that.
NOT_UTF8 = b'{"detail":"There was an error parsing the body"}'
LONGEST_SLEEP_S = 0.01
# Which parameters make an answer take time.
SLEEPS = {
    "/session-sleep": ("seconds",),
    "/slow-query": ("seconds",),
    "/streams/": ("first_byte_s", "stream_s"),
}
EXAMPLES = 8
TIMEOUT_S = 40.0


@pytest.fixture(scope="module", autouse=True)
def _dataset_afterwards(database: Dsn, stage: Callable[..., None]) -> Iterator[None]:
    """Users of the dataset are updated and deleted here, which `restore` does not undo: other tests get it anew."""
    yield
    stage()
    with server.connect(database) as conn:
        conn.execute("DELETE FROM bench_dataset")
    loader.load(database, SCALE)


def operation_of(document: dict[str, Any], name: str) -> Operation:
    """An operation of the document, by its name in the contract."""
    wanted = OPERATIONS[name]
    return schemathesis.openapi.from_dict(document)[wanted.path][wanted.method]


def cases(operation: Operation) -> st.SearchStrategy[Case]:
    """Requests that the document allows, and as many that it does not."""
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    takes = operation.path_parameters or operation.query or operation.body
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes if takes or mode.is_positive))


def brought_near(case: Case, users: int, little: int) -> None:
    """Have ids meet rows every other time, though any up to 2^63 is as likely, and nobody sleep or compute for long.

    `little` is a user who bought so little that simulating takes no time.
    """
    for parameters in (case.path_parameters, case.query):
        for name in ("user_id", "note_id", "first_id"):
            value = (parameters or {}).get(name)
            if isinstance(value, int) and 0 < value < 2**63 and (value % 2 or value <= users):
                parameters[name] = little if case.operation.path == "/simulation" else value % users + 1
    for name in SLEEPS.get(case.operation.path.rpartition("/streams/")[1] or case.operation.path, ()):
        case.query = {name: LONGEST_SLEEP_S, **(case.query or {})}
        if isinstance(case.query[name], int | float | str) and _sleeps(case.query[name]):
            case.query[name] = LONGEST_SLEEP_S


def _sleeps(value: float | str) -> bool:
    try:
        return float(value) > LONGEST_SLEEP_S
    except ValueError:
        return False


def told(case: Case, service: Service, session: requests.Session) -> tuple[int, str, bytes]:
    """Status, media type and body of a service's answer, which conforms to the document."""
    response = case.call(base_url=service.url, session=session, timeout=TIMEOUT_S)
    assert response.status_code < 500 or response.status_code in DECLARED, f"{service.name}: {response.content!r}"
    if not (response.status_code == 400 and response.content == NOT_UTF8):
        case.validate_response(response, checks=list(CONFORMANCE))
    body = (
        agreement.CREATED_NOW.sub(b'"created_at":""', response.content) if case.method == "POST" else response.content
    )
    body = agreement.NOTE_VERSION.sub(b"version", body)
    return response.status_code, ";".join(response.headers.get("content-type", [])), body


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says_and_alike(
    name: str, database: Dsn, services: tuple[Service, ...], users: int
) -> None:
    """By all services with a database, each from the same rows: same status, media type and bytes."""
    able = {service for service in WITH_DATABASE if catalogue.service(service).answers([name])}
    asked = [service for service in services if service.name in able]
    assert len(asked) == len(able) > 1
    operation = operation_of(requests.get(f"{asked[0].url}/openapi.json", timeout=10).json(), name)
    writes = OPERATIONS[name].method != "GET"
    statuses: set[int] = set()
    restore(database)
    little = buyer.of_little(database)

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=cases(operation))
    def answered_alike(case: Case) -> None:
        brought_near(case, users, little)
        answers = {}
        for service in asked:
            with requests.Session() as session:  # uvicorn closes a connection on which the application raised
                answers[service.name] = told(case, service, session)
            if writes and answers[service.name][0] not in {404, 405, 422}:
                restore(database)
        statuses.update(status for status, _, _ in answers.values())
        if name in OWN:
            answers = {service: (status, kind, b"") for service, (status, kind, _) in answers.items()}
        assert len(set(answers.values())) == 1, f"{case.as_curl_command()}: {answers}"

    answered_alike()
    done = {409} if name == "delete_user" else {200, 201, 204}  # whoever is in the dataset may have orders
    assert statuses & done, f"nothing that was asked succeeded: {statuses}"
    assert catalogue.service(asked[0].name).answers([name])
