"""Two locks that go together: what every installation needs, and what the extras add."""

from setup import lock, packages

BASE = """\
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:aa
sqlalchemy==2.1.9 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
"""
EVERYTHING = """\
colorama==0.4.6 \\
    --hash=sha256:aa
sqlalchemy==2.1.9 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
sqlmodel==0.0.50 \\
    --hash=sha256:dd
"""


def test_the_extras_have_what_the_base_has_not() -> None:
    """Also what the base has on another system only: with the base alone, it would be missing here."""
    assert lock.entries(BASE).keys() == {"colorama", "sqlalchemy"}
    added = lock.entries(lock.added(EVERYTHING, BASE))
    assert added == {
        "colorama": "colorama==0.4.6 \\\n    --hash=sha256:aa\n",
        "sqlmodel": "sqlmodel==0.0.50 \\\n    --hash=sha256:dd\n",
    }


def test_both_locks_name_a_package_in_one_version() -> None:
    """One resolution made them."""
    base, extras = (lock.entries(path.read_text()) for path in (packages.LOCK, packages.EXTRAS))
    assert {"sqlalchemy", "fastapi"} <= base.keys()
    assert {"sqlmodel", "granian"} <= extras.keys()
    for name in base.keys() & extras.keys():
        assert base[name].split()[0] == extras[name].split()[0]
