"""Traces one request of a running service: in its client, in the service and on the wire to PostgreSQL."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from bench.analysis.conversation import story
from bench.analysis.conversation.story import Call, Story
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import counts, proof
from bench.measure.gate.counts import CountedRequest
from bench.plan.matrix import Setup, default_setup
from bench.tracing import events
from bench.tracing.events import Event
from db.address.dsn import Dsn
from db.protocol import Message
from db.wire import Relay
from services.contract.operations import OPERATIONS
from suite import catalogue, lookup, waiting
from suite.errors import ServiceError, UsageError

POOL_SIZE = 2  # the simulation needs two at once; more would take longer to warm up
WARM_UP_CALLS = 6 * POOL_SIZE  # psycopg 3 prepares a statement after five executions on a connection
EXTERNAL_DELAY_S = 1.0  # long enough to be seen
WARM_UP_S = 3.0  # then no more calls, if each connection was used
ANSWER_TIMEOUT_S = 40.0
END_TIMEOUT_S = 5.0  # between the answer and the end of what the service does for the request
SETTLE_S = 0.05  # for messages that the return of a connection still sends
POLL_EVERY_S = 0.01


def setup_of(service: str, operation: str, profile: str) -> Setup:
    """The setup of a traced service. Raises UsageError for an unknown operation, or one that it does not answer."""
    found = catalogue.service(service)
    lookup.known("operation", operation, OPERATIONS)
    if not found.answers([operation]):
        raise UsageError(f"{service} does not answer {operation}; it answers: {', '.join(found.operations or ())}")
    return replace(default_setup(service), profile=profile, pool_size=POOL_SIZE, external_delay_s=EXTERNAL_DELAY_S)


def traced(setup: Setup, operation: str, query: Mapping[str, str], dsn: Dsn, users: int, folder: Path) -> Story:
    """Start the service, warm it up, and trace one call of the operation. Logs go to `folder`.

    `query` overrides the call's query parameters. Raises ServiceError when a call fails, and what `Fleet.start` raises.
    """
    messages: list[Message] = []
    with (
        Relay(dsn, listener=messages.append) as relay,
        Fleet(FleetSettings(relay.dsn.url, users, ()), traced=True) as fleet,
        httpx.Client(
            base_url=catalogue.service(setup.service).url, timeout=ANSWER_TIMEOUT_S, trust_env=False
        ) as client,
    ):
        fleet.start({setup: folder / "service.log"})
        proof.check_services(dsn, [setup])
        last = _warmed_up(client, operation, query)
        time.sleep(SETTLE_S)
        call = _called(client, last)
        own = _events_of(call, fleet.trace(setup))
        time.sleep(SETTLE_S)
        return story.of(call, own, list(messages))


def overridden(request: CountedRequest, query: Mapping[str, str]) -> CountedRequest:
    """The same call with some of its query parameters set."""
    if not query:
        return request
    path = urlsplit(request.path)
    return request._replace(path=f"{path.path}?{urlencode(dict(parse_qsl(path.query)) | dict(query))}")


def _warmed_up(client: httpx.Client, operation: str, query: Mapping[str, str]) -> CountedRequest:
    """Call it until every connection has prepared its statements, and return the next call to make."""
    variant = next(iter(OPERATIONS[operation].variants), None)
    todo = [overridden(one, query) for one in counts.requests(operation, WARM_UP_CALLS + 1, client, variant)]
    began = time.monotonic()
    for number, request in enumerate(todo):
        if number == WARM_UP_CALLS or (number >= POOL_SIZE and time.monotonic() - began > WARM_UP_S):
            break
        _called(client, request)
    return request


def _called(client: httpx.Client, request: CountedRequest) -> Call:
    """Make one call, and note when the client sent it and when it had the answer. Raises ServiceError if it fails."""
    at_ns: dict[str, int] = {}

    def note(step: str, _: Mapping[str, Any]) -> None:
        at_ns[step] = time.perf_counter_ns()

    what = f"{request.method} {request.path}"
    try:
        answer = client.request(request.method, request.path, json=request.fields, extensions={"trace": note})
    except httpx.HTTPError as error:
        raise ServiceError(f"{what} was not answered: {error}") from None
    if answer.is_error:
        raise ServiceError(f"{what} answered {answer.status_code}: {answer.text}")
    return Call(
        what,
        at_ns["http11.send_request_headers.started"],
        at_ns["http11.receive_response_body.complete"],
    )


def _events_of(call: Call, trace: Path) -> list[Event]:
    """The events of this call in the service, once it has ended there. Raises ServiceError when it does not end."""
    ended = waiting.until(lambda: _ended(call, trace), END_TIMEOUT_S, POLL_EVERY_S)
    if ended is None:
        raise ServiceError(f"{call.asked} was answered, but did not end in the service within {END_TIMEOUT_S:.0f} s")
    return ended


def _ended(call: Call, trace: Path) -> list[Event] | None:
    since = [event for event in events.read(trace) if event.at_ns >= call.sent_ns]
    own = [event for event in since if (event.process, event.request) == (since[0].process, since[0].request)]
    return own if any(event.name == "ended" for event in own) else None
