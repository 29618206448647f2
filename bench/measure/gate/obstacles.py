"""What keeps the load from using a target's answer, or from reaching it at all, in words and with the remedy."""

import ssl
from urllib.parse import urljoin, urlsplit

from bench.measure.gate.asking import Reply, UnansweredError

NO_ISSUER = {2, 18, 19, 20, 21}  # OpenSSL's codes (X509_V_ERR_...)
WRONG_NAME = {62, 64}
EXPIRED, NOT_YET = 10, 9
NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
# A server of TLS 1.2 that gets no certificate only says that the handshake failed.
WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "ALERT_HANDSHAKE_FAILURE", "ALERT_BAD_CERTIFICATE")


def of_reply(url: str, path: str, reply: Reply) -> str:
    """Behind `answers PATH with`: a redirect or a compression, which the load does not follow or undo. Else empty."""
    if reply.redirects_to:
        there = urljoin(url + path, reply.redirects_to)
        return f"{reply.status} to {there}: {_instead(url, path, there)}"
    if reply.coding:
        return (
            f"a compressed body (Content-Encoding: {reply.coding}), although requests ask for none: switch that off for"
            " requests without Accept-Encoding"
        )
    return ""


def is_elsewhere(url: str, path: str, reply: Reply) -> bool:
    """Whether a redirect leads to the same path at another address."""
    there = urljoin(url + path, reply.redirects_to)
    return bool(reply.redirects_to) and _origin(there) != _origin(url) and _same_path(path, there)


def of_silence(url: str, error: UnansweredError) -> str:
    """Why there is no answer, and what to do about it."""
    cause, said = error.__cause__, str(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate cannot be verified ({_distrust(cause)}"
    if any(one in said for one in NO_TLS):
        return f"it speaks no TLS there ({said}): give its address with http://"
    if any(one in said for one in WANTS_CERTIFICATE):
        return (
            f"it demands a client certificate, or offers no cipher that is known here ({said}): requests have no"
            " certificate, so let it answer without one"
        )
    if urlsplit(url).scheme == "http":
        return f"it gives no answer to HTTP ({said}): if it speaks TLS, give its address with https://"
    return f"it gives no answer ({said}): look into its log"


def _distrust(cause: ssl.SSLCertVerificationError) -> str:
    said = cause.verify_message
    if cause.verify_code in NO_ISSUER:
        return f"unknown authority: {said}): give the authority's certificate with --ca-file FILE, or in SSL_CERT_FILE"
    if cause.verify_code in WRONG_NAME:
        return (
            f"wrong host name: {said}): give its address with a name that is in the certificate, or make a certificate"
            " for this one; --ca-file FILE names the authority that signed it"
        )
    if cause.verify_code in {EXPIRED, NOT_YET}:
        word = "expired" if cause.verify_code == EXPIRED else "not valid yet"
        return f"{word}: {said}): renew it; --ca-file FILE names the authority that signed the new one"
    return f"{said}): correct it; --ca-file FILE names the authority that signed it"


def _instead(url: str, path: str, there: str) -> str:
    if _origin(there) == _origin(url):
        return f"requests go to {path}, so answer there without a redirect"
    if _same_path(path, there):
        return f"give that address ({_shown(there)})"
    return "it must answer itself"


def _same_path(path: str, there: str) -> bool:
    parts = urlsplit(there)
    wanted, found = urlsplit(path), (parts.path.rstrip("/"), parts.query)
    return found == (wanted.path.rstrip("/"), wanted.query)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, _port(url)


def _port(url: str) -> int:
    parts = urlsplit(url)
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # the target's own words may be wrong
        return 0


def _shown(there: str) -> str:
    parts = urlsplit(there)
    return f"{parts.scheme}://{parts.netloc}"
