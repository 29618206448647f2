"""Collapsed stacks: portable paths, and files that other tools read."""

import pytest

from bench.analysis.profiling import stacks
from bench.analysis.profiling.stacks import Frame


@pytest.mark.parametrize(
    ("path", "portable"),
    [
        ("/home/me/.venv/lib/python3.13/site-packages/asyncpg/pool.py", "asyncpg/pool.py"),
        ("/home/me/services/suite/services/asyncpg_async/app.py", "services/asyncpg_async/app.py"),
        ("/usr/lib/python3.11/json/encoder.py", "python/json/encoder.py"),
        ("<frozen runpy>", "python/runpy.py"),
        ("/build/Python-3.11.7/./Include/object.h", "cpython/Include/object.h"),
        ("/opt/_internal/cpython-3.11.16/include/object.h", "cpython/include/object.h"),
        ("/project/build/libuv-x86_64/src/unix/core.c", "libuv/src/unix/core.c"),
        ("/project/vendor/llhttp/src/llhttp.c", "llhttp/src/llhttp.c"),
        ("/project/lib/sqlalchemy/sql/_util_cy.c", "sqlalchemy/sql/_util_cy.c"),
        ("/project/uvloop/loop.c", "uvloop/loop.c"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6"),
        ("[vdso]", "[vdso]"),
    ],
)
def test_a_path_says_the_same_on_every_machine(path: str, portable: str) -> None:
    """It begins with a package, the standard library or the interpreter's own sources."""
    assert stacks.portable_path(path) == portable


def test_lines_of_one_function_are_one_frame() -> None:
    """The frame of the process is left out. Samples of equal stacks are added up."""
    text = 'process 1:"python -m x";f (/a/site-packages/x.py:1) 3\nprocess 2:"y";f (/b/site-packages/x.py:9) 4\n'
    assert stacks.read(text) == {"f (x.py)": 7}
    assert stacks.frame("f (x.py)") == Frame("f", "x.py")
    assert stacks.frame("f (x.py)").is_python
    assert not stacks.frame("write (libc.so.6)").is_python
    with pytest.raises(ValueError, match="invalid literal"):
        stacks.read("f (x.py) many")


def test_stacks_can_be_added_up_and_written() -> None:
    """In the order of their names."""
    both = stacks.together([{"b (x.py)": 1.0}, {"a (x.py)": 0.5, "b (x.py)": 2.0}])
    assert stacks.text_of(both) == "a (x.py) 0.5\nb (x.py) 3\n"
