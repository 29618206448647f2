"""Debian's PostgreSQL as a careful administrator sets it up: an own CA, and no connection without TLS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from db.address.dsn import Dsn
from tests import postgresql
from tests.postgresql import NamedServer

HBA = ("local all all scram-sha-256", "hostssl all all 127.0.0.1/32 scram-sha-256")
KEY_PASSWORD = "of the key"
SETTINGS = {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.pem", "ssl_ca_file": "ca.pem"}


@dataclass(frozen=True)
class TlsServer:
    """`ca_file` verifies the server, which has a certificate for 127.0.0.1. `other_ca_file` is a stranger's."""

    named: NamedServer
    ca_file: Path
    other_ca_file: Path
    client_file: Path
    locked_key_file: Path
    crl_file: Path

    @property
    def dsn(self) -> Dsn:
        """Its superuser's address, with sslmode=verify-full."""
        return self.asking(sslmode="verify-full", sslrootcert=str(self.ca_file))

    @property
    def with_certificate(self) -> Dsn:
        """The same with the client's certificate, which is the superuser's."""
        files = {"sslcert": str(self.client_file), "sslkey": str(self.client_file)}
        return self.asking(sslmode="verify-full", sslrootcert=str(self.ca_file), **files)

    def asking(self, **settings: str) -> Dsn:
        """Its superuser's address with these settings."""
        return replace(self.named.dsn, parameters=tuple(settings.items()))


@contextmanager
def running(folder: Path, settings: Mapping[str, str] | None = None, hba: tuple[str, ...] = HBA) -> Iterator[TlsServer]:
    """Until the end of the block. `folder` gets the files for clients."""
    authority, stranger = trustme.CA(), trustme.CA()
    ca, other, client = folder / "ca.pem", folder / "other.pem", folder / "client.pem"
    authority.cert_pem.write_to_path(ca)
    stranger.cert_pem.write_to_path(other)
    issued = authority.issue_cert("owner@example.com", common_name=postgresql.SUPERUSER)
    issued.private_key_and_cert_chain_pem.write_to_path(client)
    locked, crl = folder / "locked.pem", folder / "crl.pem"
    locked.write_bytes(_locked(issued.private_key_pem.bytes()))
    crl.write_bytes(_nothing_revoked(authority))
    for secret in (client, locked):
        secret.chmod(0o600)
    files = {
        "server.pem": authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes().decode(),
        "ca.pem": authority.cert_pem.bytes().decode(),
    }
    with postgresql.running({**SETTINGS, **(settings or {})}, hba, files) as named:
        yield TlsServer(named, ca, other, client, locked, crl)


def _locked(key: bytes) -> bytes:
    """The key, encrypted with KEY_PASSWORD."""
    encryption = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
    loaded = serialization.load_pem_private_key(key, None)
    return loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _nothing_revoked(authority: trustme.CA) -> bytes:
    """The authority's list of revoked certificates, which is empty."""
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issuer, now = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject, datetime.now(UTC)
    made = x509.CertificateRevocationListBuilder(issuer, now - timedelta(days=1), now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
