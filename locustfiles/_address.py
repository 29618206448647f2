"""Where requests go, and the words of every request: the same for the load and for verification."""

import ssl
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from gevent.ssl import SSLContext

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Address(NamedTuple):
    """Where requests go: the address to connect to, and the parts of every request."""

    host: str
    port: int
    tls: SSLContext | None
    prefix: str
    header: str

    def message(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """One request. `body` is sent as JSON."""
        head = f"{method} {self.prefix}{path} HTTP/1.1\r\n{self.header}"
        if body is not None:
            return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        # Some servers refuse such a method without a length (411).
        return f"{head}Content-Length: 0\r\n\r\n".encode() if method in WITH_BODY else f"{head}\r\n".encode()


@cache
def address_of(base_url: str, trusted: str = "") -> Address:
    """Parse a base URL. `trusted`: certificates (PEM) to trust beside the system's. Raises ValueError that names it."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{base_url!r} is not the address of a service; write it as http://host:port")
    tls = _verifying(trusted) if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    # No Accept-Encoding: the load decodes nothing, and each header costs the service CPU time.
    header = f"Host: {parts.netloc.rpartition('@')[2]}\r\nAccept: */*\r\nUser-Agent: locust\r\n"
    return Address(parts.hostname, port, tls, parts.path.rstrip("/"), header)


def _verifying(trusted: str) -> SSLContext:
    # Not create_default_context(): in an unpatched process it returns the standard library's context, which blocks.
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()  # the system's, or those of SSL_CERT_FILE and SSL_CERT_DIR
    if trusted:
        context.load_verify_locations(cadata=trusted)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate one, or the server's own, is enough
    return context
