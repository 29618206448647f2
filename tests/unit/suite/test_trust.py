"""The file of --ca-file: read once, without keys, and refused by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure.fleet import variables
from suite import catalogue, trust
from suite.errors import UsageError
from tests.unit import certificates_of


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_only_certificates_are_taken_from_a_file(tmp_path: Path) -> None:
    """They are sent to other machines; a key beside them is not."""
    own = certificates_of.authority(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text((tmp_path / "ca.key").read_text() + "words\n" + own.file.read_text() * 2)
    found = trust.read(str(both))
    assert found.file == str(both)
    assert found.pem.count("BEGIN CERTIFICATE") == 2
    assert "KEY" not in found.pem
    assert found.pem not in repr(found)
    assert trust.read("") == trust.Trust()


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    """Missing, a folder, empty, a key, a damaged one."""
    damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for name, content in (("empty", ""), ("key", "-----BEGIN PRIVATE KEY-----"), ("damaged", damaged)):
        file = tmp_path / name
        file.write_text(content)
        with pytest.raises(UsageError, match=rf"--ca-file: {file} holds no certificate; give a file"):
            trust.read(str(file))
    with pytest.raises(UsageError, match=r"nowhere\.pem cannot be read \(No such file or directory\)"):
        trust.read(str(tmp_path / "nowhere.pem"))
    with pytest.raises(UsageError, match="cannot be read"):
        trust.read(str(tmp_path))


def test_a_path_that_starts_here_is_one_that_starts_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The load runs in another folder."""
    monkeypatch.chdir(tmp_path)
    passed = variables.clean({"SSL_CERT_FILE": "ca.pem", "SSL_CERT_DIR": "one:two"})
    assert passed["SSL_CERT_FILE"] == str(tmp_path / "ca.pem")
    assert passed["SSL_CERT_DIR"] == f"{tmp_path / 'one'}:{tmp_path / 'two'}"


@pytest.mark.parametrize("by_option", [True, False])
def test_a_plain_locust_refuses_a_file_without_certificates(tmp_path: Path, *, by_option: bool) -> None:
    """At once, with the file's name; the option is there for every scenario."""
    (tmp_path / "empty.pem").touch()
    file = str(catalogue.scenario("point_read").path)
    given = ("--ca-file", "empty.pem") if by_option else ()
    command = [sys.executable, "-m", "locust", "-f", file, "--headless", "-t", "1s", "--host", "https://127.0.0.1:1"]
    variables = {"PYTHONPATH": str(catalogue.CHECKOUT)} | ({} if by_option else {"BENCH_CA_FILE": "empty.pem"})
    done = subprocess.run(
        [*command, *given], cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "error: --ca-file: empty.pem holds no certificate" in done.stderr
