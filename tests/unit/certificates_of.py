"""A certificate authority, and certificates that it signs."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Authority:
    """In a folder of its own."""

    folder: Path

    @property
    def file(self) -> Path:
        """Its certificate."""
        return self.folder / "ca.pem"

    def signed(self, name: str = "IP:127.0.0.1,IP:::1,DNS:localhost", days: int = 2) -> tuple[Path, Path]:
        """A certificate for these names, and its key. Less than 0 days: it has expired."""
        place = f"{name.replace(':', '_').replace(',', '-')}-{days}"
        certificate, key, request, names = (self.folder / f"{place}.{end}" for end in ("pem", "key", "csr", "ext"))
        if certificate.exists():
            return certificate, key
        names.write_text(f"subjectAltName={name}")
        _openssl("req", *EC, "-subj", "/CN=bench test", "-keyout", str(key), "-out", str(request))
        signing = ("-CA", str(self.file), "-CAkey", str(self.folder / "ca.key"), "-CAcreateserial")
        made = ("-in", str(request), "-extfile", str(names), "-out", str(certificate))
        _openssl("x509", "-req", *signing, "-days", str(days), *made)
        return certificate, key

    def context(self, **of: str | int) -> ssl.SSLContext:
        """For a server with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.signed(**of))  # type: ignore[arg-type]  # those of `signed`
        return context


def authority(folder: Path) -> Authority:
    """Make one."""
    made = Authority(folder)
    out = ("-keyout", str(folder / "ca.key"), "-out", str(made.file))
    _openssl("req", "-x509", *EC, "-days", "2", "-subj", "/CN=bench test authority", *out)
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
