"""The first check of a target: real servers, real certificates, and one message for each mistake."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.measure.gate import first_look
from bench.plan import matrix
from locustfiles import _connection
from suite import trust
from suite.errors import ServiceError, UsageError
from tests.unit import certificates_of

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plan.matrix import Setup
    from tests.unit.certificates_of import Authority
    from tests.unit.conftest import Peer, RawServer, Serve

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
READS = ("read_user",)

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that no system knows."""
    return certificates_of.authority(tmp_path_factory.mktemp("authority"))


def always(answer: bytes) -> object:
    def script(peer: Peer) -> None:
        while peer.request():
            peer.send(answer)

    return script


def at(url: str) -> Setup:
    return replace(matrix.default_setup("asyncpg_async"), service="mine", url=url)


def refusal(server: RawServer, trusted: str = "", url: str = "") -> str:
    """The message of the first check, which must refuse this server."""
    with pytest.raises(ServiceError) as raised:
        first_look.check(at(url or server.url), READS, trusted)
    message = str(raised.value)
    assert "target mine" in message
    return message


@needs_openssl
def test_an_authority_of_ones_own_is_trusted_by_file(serve: Serve, own: Authority) -> None:
    """And by nothing else; an intermediate certificate or the server's own is enough."""
    server = serve(always(OK), tls=own.context())
    first_look.check(at(server.url), READS, trust.read(str(own.file)).pem)
    first_look.check(at(server.url), READS, own.signed()[0].read_text())
    message = refusal(server)
    for word in (server.url, "cannot be verified", "unknown authority", "unable to get local issuer", "--ca-file FILE"):
        assert word in message


@needs_openssl
def test_by_variable_too(serve: Serve, own: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSL reads both of them. One that leads nowhere is named, because OpenSSL would say nothing."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / f"{subject_hash(own.file)}.0").write_bytes(own.file.read_bytes())
    for variable, value in (("SSL_CERT_FILE", own.file), ("SSL_CERT_DIR", folder)):
        server = serve(always(OK), tls=own.context())  # a new address: what is trusted is kept for each
        with monkeypatch.context() as patched:
            patched.setenv(variable, str(value))
            first_look.check(at(server.url), READS)
            patched.setenv(variable, str(tmp_path / "nowhere"))
            with pytest.raises(UsageError, match=rf"{variable}: .*nowhere"):
                first_look.check(at(server.url), READS)


def subject_hash(file: Path) -> str:
    """The name under which OpenSSL looks for a certificate in a folder."""
    command = ["openssl", "x509", "-in", str(file), "-noout", "-hash"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@needs_openssl
@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({"days": -1}, ["expired: certificate has expired", "renew it", "--ca-file"]),
        ({"name": "DNS:mine.example"}, ["wrong host name: IP address mismatch", "127.0.0.1", "--ca-file"]),
    ],
)
def test_a_certificate_that_is_wrong_is_refused_with_the_reason(
    serve: Serve, own: Authority, of: dict[str, str | int], words: list[str]
) -> None:
    """Although its authority is trusted."""
    server = serve(always(OK), tls=own.context(**of))
    message = refusal(server, trust.read(str(own.file)).pem)
    for word in (server.url, *words):
        assert word in message


@needs_openssl
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_either_version_of_tls_and_a_server_that_wants_a_certificate_of_ours(
    serve: Serve, own: Authority, version: ssl.TLSVersion
) -> None:
    """The first is fine. The second is named, however late it says so."""
    context = own.context()
    context.minimum_version = context.maximum_version = version
    trusted = trust.read(str(own.file)).pem
    first_look.check(at(serve(always(OK), tls=context).url), READS, trusted)
    demanding = own.context()
    demanding.minimum_version = demanding.maximum_version = version
    demanding.verify_mode = ssl.CERT_REQUIRED
    demanding.load_verify_locations(own.file)
    assert "demands a client certificate" in refusal(serve(always(OK), tls=demanding), trusted)


@needs_openssl
def test_http_and_https_are_told_apart(serve: Serve, own: Authority) -> None:
    """Each names the other."""

    def refuses(peer: Peer) -> None:
        peer.sock.recv(65_536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    plain, secured = serve(refuses), serve(always(OK), tls=own.context())
    assert "give its address with http://" in refusal(plain, url=plain.url.replace("http:", "https:"))
    assert "give its address with https://" in refusal(secured, url=secured.url.replace("https:", "http:"))


@needs_openssl
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses_of_both_families(serve: Serve, own: Authority, host: str) -> None:
    """Over TLS and without it."""
    trusted = trust.read(str(own.file)).pem
    first_look.check(at(serve(always(OK), host).url), READS)
    first_look.check(at(serve(always(OK), host, own.context()).url), READS, trusted)


@needs_openssl
def test_why_a_name_is_not_trusted_is_not_hidden_by_its_other_address(
    serve: Serve, own: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `localhost` is ::1 and 127.0.0.1, and only the first one has the server."""
    server = serve(always(OK), "::1", own.context())
    both = tuple(
        found
        for host in ("::1", "127.0.0.1")
        for found in socket.getaddrinfo(host, server.port, type=socket.SOCK_STREAM)
    )
    monkeypatch.setattr(_connection, "_resolve", lambda *_: both)  # here it may be only one of them
    assert "unknown authority" in refusal(server)


def redirect(to: str, status: int = 307) -> bytes:
    return f"HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (
            "https://mine.example/users/1",
            "307 to https://mine.example/users/1: give that address (https://mine.example)",
        ),
        ("//127.0.0.1:1/users/1", "307 to http://127.0.0.1:1/users/1: give that address (http://127.0.0.1:1)"),
        ("/users/1/", "/users/1/: requests go to /users/1, so answer there without a redirect"),
        ("/login", "/login: requests go to /users/1, so answer there without a redirect"),
        ("https://login.example/?next=x", "307 to https://login.example/?next=x: it must answer itself"),
    ],
)
def test_a_redirect_says_where_to(serve: Serve, to: str, words: str) -> None:
    """And what to do about it: the load follows none."""
    server = serve(always(redirect(to)))
    message = refusal(server)
    assert message.startswith("target mine answers GET /users/1 with 307 to ")
    assert words in message


def test_an_application_need_not_have_what_is_not_measured(serve: Serve) -> None:
    """A redirect to a login is then its own affair. One to another address concerns everything."""
    first_look.check(at(serve(always(redirect("/login"))).url), ["first_user"])
    first_look.check(at(serve(always(redirect("/users/1/"))).url), ["first_user"])
    first_look.check(at(serve(always(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")).url), READS)
    with pytest.raises(ServiceError, match="give that address"):
        first_look.check(at(serve(always(redirect("https://mine.example/users/1"))).url), ["first_user"])
