"""The certificates that connections to a target trust: the system's or those of SSL_CERT_*, and those of --ca-file."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from suite.errors import UsageError

OPTION = "--ca-file"
VARIABLE = "BENCH_CA_FILE"
"""The option's variable."""
OF_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
CERTIFICATE = re.compile(
    r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.*?-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL
)
HOW = "give a file with the certificate of the authority that signed the target's, as text (PEM)"


@dataclass(frozen=True)
class Trust:
    """Certificates that are trusted beside the system's. `pem` has no keys, whatever else is in the file."""

    file: str = ""
    pem: str = field(default="", repr=False)


def read(path: str, option: str = OPTION) -> Trust:
    """Read a file of certificates; none for an empty path. Raises UsageError that names option, file and remedy."""
    if not path:
        return Trust()
    file = Path(path).expanduser()
    try:
        content = file.read_text("latin-1")
    except OSError as error:
        raise UsageError(f"{option}: {path} cannot be read ({error.strerror}); {HOW}") from None
    pem = "\n".join(found[0] for found in CERTIFICATE.finditer(content))
    try:
        if not pem:
            raise ValueError  # noqa: TRY301  # as for one that OpenSSL cannot read
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise UsageError(f"{option}: {path} holds no certificate; {HOW}") from None
    return Trust(str(file.resolve()), pem)


def of_openssl(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables by which OpenSSL finds the system's certificates, where they are set."""
    return {name: environ[name] for name in OF_OPENSSL if environ.get(name)}


def check_variables(environ: Mapping[str, str]) -> None:
    """Raise UsageError for an SSL_CERT_FILE or SSL_CERT_DIR that holds no certificates: OpenSSL says nothing of it."""
    file, folders = (environ.get(name, "") for name in OF_OPENSSL)
    read(file, "SSL_CERT_FILE")
    if folders and not any(Path(one).is_dir() for one in folders.split(":")):
        raise UsageError(f"SSL_CERT_DIR: there is no folder {folders}; correct it, or unset it")
