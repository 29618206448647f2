from pathlib import Path

import pytest

from setup import pip_settings

LISTED = """:env:.index-url='https://user:word@mirror.test/simple'
:env:.no-index=''
global.cert='/etc/own.pem'
global.extra-index-url='https://a.test/simple\\nhttps://b.test/simple'
global.index-url='https://elsewhere.test/simple'
global.timeout='15'
install.timeout='30'
download.find-links='/of/another/command'
"""


def test_pip_settings_are_those_of_pip_install() -> None:
    """The environment comes before the section of the command, and that before [global]; an empty one says nothing."""
    assert pip_settings.settings(LISTED) == {
        "cert": "/etc/own.pem",
        "extra-index-url": "https://a.test/simple\nhttps://b.test/simple",
        "index-url": "https://user:word@mirror.test/simple",
        "timeout": "30",
    }


def test_uv_asks_the_index_before_the_extra_ones_and_no_other() -> None:
    """The last one stands where uv would otherwise ask its own default."""
    assert pip_settings.for_uv(pip_settings.settings(LISTED)) == {
        "SSL_CERT_FILE": "/etc/own.pem",
        "UV_HTTP_TIMEOUT": "30",
        "UV_INDEX": "https://user:word@mirror.test/simple https://a.test/simple",
        "UV_DEFAULT_INDEX": "https://b.test/simple",
    }


@pytest.mark.parametrize(
    ("pip", "uv"),
    [
        ({}, {}),
        ({"extra-index-url": "https://a.test/simple"}, {}),
        ({"index-url": "https://a.test/simple"}, {"UV_DEFAULT_INDEX": "https://a.test/simple"}),
        ({"no-index": "false", "trusted-host": "a.test b.test"}, {"UV_INSECURE_HOST": "a.test b.test"}),
        (
            {"no-index": "1", "index-url": "https://a.test/simple", "find-links": "/one\n/two"},
            {"UV_DEFAULT_INDEX": "https://a.test/simple", "UV_FIND_LINKS": "/one,/two"},
        ),
        ({"only-binary": ":all:", "no-cache-dir": "1"}, {"UV_NO_CACHE": "1"}),
        ({"proxy": "http://p.test:1"}, {"HTTP_PROXY": "http://p.test:1", "HTTPS_PROXY": "http://p.test:1"}),
    ],
)
def test_each_option_has_its_counterpart(pip: dict[str, str], uv: dict[str, str]) -> None:
    assert pip_settings.for_uv(pip) == uv


def test_what_is_locked_may_come_from_any_index() -> None:
    """As with pip; the hashes of the lock say which file it is."""
    found = pip_settings.for_uv({"extra-index-url": "https://a.test/simple\nhttps://b.test/simple"}, every_index=True)
    assert found == {
        "UV_INDEX": "https://a.test/simple https://b.test/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_some_settings_are_options_of_uv() -> None:
    """It has no variable for them."""
    assert pip_settings.options({"no-index": "true"}) == ["--no-index"]
    assert pip_settings.options({"no-index": "0"}) == []
    assert pip_settings.options({"only-binary": ":all:"}) == ["--no-build"]


def test_the_cache_is_in_the_home_only_if_it_can_be_written(tmp_path: Path) -> None:
    """Otherwise in the environment that is made."""
    inside = {"UV_CACHE_DIR": str(tmp_path / ".venv" / "cache")}

    def cache(**environ: str) -> dict[str, str]:
        return pip_settings.cache(tmp_path / ".venv", environ)

    assert cache(HOME=str(tmp_path)) == {}
    assert cache(HOME=str(tmp_path / "none")) == inside
    assert cache() == inside
    assert cache(XDG_CACHE_HOME="/proc/nowhere", HOME=str(tmp_path)) == inside
