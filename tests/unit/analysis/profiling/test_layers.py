"""Which layer a sample belongs to."""

import pytest

from bench.analysis.profiling import layers, stacks
from bench.analysis.profiling.layers import Layer
from suite import catalogue
from tests.unit.analysis.profiling.stacks_of import APP, ENDPOINT, LIBC, MAIN, PROTOCOL, ROUTE


def layer_of(text: str) -> Layer:
    [stack] = stacks.read(f"{text} 1")
    return layers.of_stack(stack)


@pytest.mark.parametrize(
    ("stack", "layer"),
    [
        (APP, Layer("HTTP server", "uvicorn")),
        (f"{ENDPOINT};{PROTOCOL}", Layer("driver", "C")),
        (
            f"{ENDPOINT};{PROTOCOL};Py_DECREF (/opt/_internal/cpython-3.11.16/include/object.h:537)",
            Layer("driver", "C"),
        ),
        (f"{ENDPOINT};loads (/usr/lib/python3.11/json/__init__.py:3)", Layer("service's own code", "endpoint")),
        (f"{ROUTE};user_id (/x/services/contract/params.py:3)", Layer("service's own code", "dependencies")),
        (f"{ENDPOINT};get_dict;gc_collect_main (/x/libpython3.11.so.1.0)", Layer("garbage collection")),
        (
            f"{ENDPOINT};PyEval_RestoreThread (/x/libpython3.11.so.1.0)",
            Layer("thread hand-over", "the interpreter's lock"),
        ),
        (f"{ENDPOINT};{PROTOCOL};write ({LIBC})", Layer("kernel")),
        (f"{ENDPOINT};pthread_cond_timedwait ({LIBC});0x7f6a46ca3f16 ({LIBC})", Layer("kernel")),
        (f"{ENDPOINT};0x7f6a46ca3f16 ({LIBC})", Layer("service's own code", "endpoint")),  # such as memcpy
        (f"{ENDPOINT};solve (/a/site-packages/solver/core.py:1)", Layer("other", "solver")),
        (MAIN, Layer("other", "_run_module_as_main")),
    ],
)
def test_a_sample_counts_for_the_innermost_frame_that_has_a_layer(stack: str, layer: Layer) -> None:
    """What has none works for its caller; a system call is the kernel's; what is not known is named."""
    assert layer_of(stack) == layer


def test_python_frames_alone_have_a_layer_too() -> None:
    """As in a look without machine code."""
    [stack] = stacks.read(f"{ENDPOINT};{PROTOCOL};write ({LIBC}) 1")
    assert layers.of_python(stack) == Layer("service's own code", "endpoint")


def test_threads_without_python_have_the_layer_of_their_name() -> None:
    """All others have none by themselves."""
    assert layers.of_thread("tokio-runtime-w") == Layer("driver", "Rust")
    assert layers.of_thread("gunicorn") is None


def test_every_layer_of_the_table_has_a_place_in_its_order() -> None:
    """So that no layer is lost in a table."""
    known = {layer.name for layer in layers.table().paths.values() if layer}
    assert known <= set(layers.table().order)


def test_the_libraries_of_all_services_are_known() -> None:
    """A new service's library needs a line in layers.toml, or its time is `other`."""
    imported = {
        "psycopg2-binary": "psycopg2/x.py", "psycopg-pool": "psycopg_pool/x.py", "psycopg": "psycopg/x.py",
        "psycopg-binary": "psycopg_binary/x.so", "peewee": "peewee.py", "tortoise-orm": "tortoise/x.py",
        "pypika-tortoise": "pypika_tortoise/x.py",
    }  # fmt: skip
    libraries = {name for service in catalogue.services().values() for name in service.libraries}
    layer_of_file = {name: layers.table().of_path(imported.get(name, f"{name}/x.py")) for name in libraries}
    unknown = sorted(name for name, layer in layer_of_file.items() if layer is None or layer.name == layers.OTHER)
    assert not unknown, f"bench/analysis/profiling/layers.toml needs rules for the packages of {', '.join(unknown)}"
