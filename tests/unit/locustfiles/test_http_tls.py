"""The load's HTTP client over TLS: certificates are verified, time-outs work."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from locustfiles._http import Client

if TYPE_CHECKING:
    from tests.unit.conftest import InGreenlet, Peer, Serve

CHECKOUT = Path(__file__).parents[3]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
ASK = """
import sys, gevent
from locustfiles._http import Client
client = Client(sys.argv[1], timeout_s=0.5)
for path in ("/", "/", "/silence", "/"):
    answer = gevent.spawn(client.request, "GET", path).get(timeout=10)
    print(answer.status, answer.body.decode(), answer.error, sep="|")
print(client.reconnects)
"""

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=bench test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def silent_on_demand(peer: Peer) -> None:
    while request := peer.request():
        if b"/silence" not in request:
            peer.send(OK)


def test_an_unknown_certificate_is_refused_by_name(serve: Serve, in_greenlet: InGreenlet, tls: ssl.SSLContext) -> None:
    """Nothing is sent to a server that cannot show who it is."""
    asked = []
    server = serve(lambda peer: asked.append(peer.request()), tls=tls)
    answer = in_greenlet(Client(server.url).request, "GET", "/")
    assert (answer.status, answer.error) == (
        0, "cannot connect: TLS: CERTIFICATE_VERIFY_FAILED: self-signed certificate"
    )  # fmt: skip
    assert not any(asked)


def test_a_server_without_tls_is_named(serve: Serve, in_greenlet: InGreenlet) -> None:
    """https:// to a plain HTTP port is a failure of TLS, not a time-out."""

    def script(peer: Peer) -> None:
        peer.sock.recv(65_536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    url = serve(script).url.replace("http:", "https:")
    answer = in_greenlet(Client(url).request, "GET", "/")
    assert answer.status == 0
    assert answer.error.startswith("cannot connect: TLS: ")


def test_a_trusted_certificate_is_accepted(serve: Serve, tls: ssl.SSLContext, certificate: Path) -> None:
    """One that SSL_CERT_FILE holds: answers over one kept connection, a time-out, and answers again."""
    server = serve(silent_on_demand, tls=tls)
    environ = {**os.environ, "SSL_CERT_FILE": str(certificate)}
    command = [sys.executable, "-c", ASK, server.url]
    done = subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("200|hi|\n200|hi|\n0||no answer within 0.5 s\n200|hi|\n0\n", "")
    assert server.accepted == 2
