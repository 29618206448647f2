"""TLS on both sides of the relay: as the address says to the server, with a certificate of its own to clients.

The relay has to read what passes, so it ends the client's encryption and encrypts again. Towards the server it verifies
as libpq does with the same settings. Clients get the address with the relay's own authority in place of the server's.
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from db.address.dsn import Dsn
from db.ports import LOOPBACK
from suite.errors import DatabaseError

ALPN = "postgresql"
DISABLED, FULL = "disable", "verify-full"
VERIFIED = ("verify-ca", FULL)
# The relay has these itself, towards the server: a client would use them on the relay.
NOT_FOR_CLIENTS = frozenset({"sslrootcert", "sslcrl", "sslcrldir", "sslnegotiation", "channel_binding", "sslsni"})


@dataclass(frozen=True)
class Identity:
    """The relay's own certificate for 127.0.0.1, with its key in `chain_file`. `ca_file` verifies it."""

    ca_file: Path
    chain_file: Path


@contextmanager
def identity() -> Iterator[Identity]:
    """Make one. Its files exist until the end of the block, and only this user can read them."""
    with TemporaryDirectory(prefix="bench-relay-") as folder:
        found = Identity(Path(folder) / "ca.pem", Path(folder) / "relay.pem")
        authority = trustme.CA()
        authority.cert_pem.write_to_path(found.ca_file)
        authority.issue_cert(LOOPBACK).private_key_and_cert_chain_pem.write_to_path(found.chain_file)
        yield found


def is_possible(dsn: Dsn) -> bool:
    """Whether a connection may be encrypted: never over a socket in the file system, as with libpq."""
    return not dsn.host.startswith("/") and _setting(dsn, "sslmode", "prefer") != DISABLED


def through(dsn: Dsn, port: int, ca_file: Path | None) -> Dsn:
    """The address of a relay to a server, for clients: the same settings, and the relay's own authority.

    Channel binding would tie the client's password to the relay's certificate, which the server does not have.
    """
    kept = tuple((name, value) for name, value in dsn.parameters if name not in NOT_FOR_CLIENTS)
    if ca_file is None:
        kept = (*((name, value) for name, value in kept if name != "sslmode"), ("sslmode", DISABLED))
    else:
        kept = (*kept, ("sslrootcert", str(ca_file)), ("channel_binding", "disable"))
    return replace(dsn, host=LOOPBACK, port=port, parameters=kept)


def to_clients(chain_file: Path) -> ssl.SSLContext:
    """What the relay shows its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file)
    context.set_alpn_protocols([ALPN])
    return context


def to_server(dsn: Dsn, home: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """What the relay asks of the server: the address's own settings, with libpq's default files in ~/.postgresql.

    Source: PostgreSQL's documentation, "SSL Support" of libpq. Raises DatabaseError for a file that cannot be used.
    """
    mode, folder = _setting(dsn, "sslmode", "prefer"), Path(home.get("HOME", "/nonexistent")) / ".postgresql"
    root, crl = _file(dsn, "sslrootcert", folder / "root.crt"), _file(dsn, "sslcrl", folder / "root.crl")
    chain, key = _file(dsn, "sslcert", folder / "postgresql.crt"), _file(dsn, "sslkey", folder / "postgresql.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols([ALPN])
    context.check_hostname = mode == FULL
    verified = mode in VERIFIED or (mode == "require" and root is not None)
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    context.minimum_version = _version(dsn, "ssl_min_protocol_version", ssl.TLSVersion.TLSv1_2)
    context.maximum_version = _version(dsn, "ssl_max_protocol_version", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    try:
        if verified and root is not None:
            context.load_verify_locations(root)
        if verified and crl is not None:
            context.load_verify_locations(crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        if chain is not None:
            context.load_cert_chain(chain, key, lambda: _setting(dsn, "sslpassword", ""))
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(one) for one in (root, crl, chain, key) if one is not None)
        raise DatabaseError(f"a certificate file for {dsn.redacted} cannot be used ({files}): {error}") from None
    return context


def _setting(dsn: Dsn, name: str, default: str) -> str:
    return dict(dsn.parameters).get(name) or default


def _file(dsn: Dsn, name: str, default: Path) -> Path | None:
    if given := _setting(dsn, name, ""):
        return Path(given)
    return default if default.exists() else None


def _version(dsn: Dsn, name: str, default: ssl.TLSVersion) -> ssl.TLSVersion:
    known = {version.name.lower().replace("_", "."): version for version in ssl.TLSVersion}  # tlsv1.2
    return known.get(_setting(dsn, name, "").lower(), default)
