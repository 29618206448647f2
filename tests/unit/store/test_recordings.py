"""What was recorded beside the samples: kept whole, and small."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.store import recordings
from suite.errors import ResultsError
from tests.unit.recording_of import RECORDING


def test_a_recording_is_read_back_as_it_was(tmp_path: Path) -> None:
    """Sets, numbers of CPUs and all digits included; the same recording makes the same bytes."""
    recordings.keep(RECORDING, tmp_path)
    assert recordings.read(tmp_path) == RECORDING
    first = (tmp_path / recordings.NAME).read_bytes()
    recordings.keep(RECORDING, tmp_path)
    assert (tmp_path / recordings.NAME).read_bytes() == first


def test_a_recording_without_collections_is_read(tmp_path: Path) -> None:
    """An older run did not count them."""
    recordings.keep(RECORDING, tmp_path)
    value = json.loads(gzip.decompress((tmp_path / recordings.NAME).read_bytes()))
    for one in value["gauges"]:
        del one["gc_full"], one["gc_s"], one["gc_longest_s"]
    (tmp_path / recordings.NAME).write_bytes(gzip.compress(json.dumps(value).encode()))
    older = tuple(replace(one, gc_full=None, gc_s=None, gc_longest_s=None) for one in RECORDING.gauges)
    assert recordings.read(tmp_path) == replace(RECORDING, gauges=older) != RECORDING


def test_a_recording_is_small(tmp_path: Path) -> None:
    """Compressed to less than a ninth: one reading is much like the one before."""
    recordings.keep(RECORDING, tmp_path)
    kept = (tmp_path / recordings.NAME).read_bytes()
    assert len(kept) < len(gzip.decompress(kept)) / 9


def with_a_word_for_a_number(whole: bytes) -> bytes:
    value = json.loads(gzip.decompress(whole))
    value["readings"][2]["roles"]["load"]["cpu_s"] = "much"
    return gzip.compress(json.dumps(value).encode())


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda whole: whole[: len(whole) // 2], "ended before"),
    "not compressed": (lambda _: b"{}", "Not a gzipped file"),
    "overwritten inside": (lambda whole: whole[:60] + b"\xff" * 60 + whole[120:], ""),
    "no JSON": (lambda _: gzip.compress(b"{"), "Expecting"),
    "no text": (lambda _: gzip.compress(b"\xff"), "utf-8"),
    "another object": (lambda _: gzip.compress(b"[1]"), "Input should be"),
    "a wrong value": (with_a_word_for_a_number, "readings.2.roles.load.cpu_s: Input should be a valid number"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_recording_is_named(tmp_path: Path, how: str) -> None:
    """With its path, and the place of the first value that cannot be."""
    damage, said = DAMAGE[how]
    recordings.keep(RECORDING, tmp_path)
    path = tmp_path / recordings.NAME
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultsError) as caught:
        recordings.read(tmp_path)
    assert str(caught.value).startswith(f"cannot read {path}: ")
    assert said in str(caught.value)
