"""The address of a target: what may be written, and where it leads."""

from pathlib import Path

import pytest

from bench.plan import address
from tests.unit.plan.plan_of import MINIMAL, refusal_of


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "https://api.example", "http://[::1]:80", "http://localhost:9000/"]
)
def test_an_address_is_a_scheme_a_host_and_perhaps_a_port(url: str) -> None:
    """A slash at the end changes nothing."""
    assert address.checked(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:9000", "not the address"),
        ("localhost:9000", "not the address"),
        ("ftp://127.0.0.1", "not the address"),
        ("http://", "not the address"),
        ("http://:9000", "not the address"),
        ("http://127.0.0.1:0", "not the address"),
        ("http://127.0.0.1:99999", "out of range"),
        ("http://127.0.0.1:9000/api", "no path"),
        ("http://127.0.0.1:9000?x=1", "no path"),
        ("http://me:secret@127.0.0.1:9000", "would appear in the results"),
        ("http://127.0.0.1 :9000", "no spaces"),
        ("", "not the address"),
    ],
)
def test_other_addresses_are_refused_with_the_form_they_should_have(tmp_path: Path, url: str, words: str) -> None:
    """By option and by key."""
    said = refusal_of(tmp_path, MINIMAL, target=[("mine", url)])
    for word in ("--target", "url", words, "write it as http://host:port"):
        assert word in said
    assert "secret" not in said
    assert "targets.url" in refusal_of(tmp_path, MINIMAL + f'[[targets]]\nname = "mine"\nurl = "{url}"\n')


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:9000", "127.0.0.1", 9000),
        ("http://localhost", "localhost", 80),
        ("https://api.example", "api.example", 443),
        ("https://api.example:80", "api.example", 80),
        ("http://[::1]:8001", "::1", 8001),
    ],
)
def test_an_address_without_a_port_has_that_of_its_scheme(url: str, host: str, port: int) -> None:
    """An IPv6 address has no brackets where one connects to it."""
    assert address.host_and_port(url) == (host, port)
