"""Samples: what the load writes is what the analysis reads, whole or cut off, and the window's edges."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.recorded import windows
from bench.analysis.recorded.windows import Mark, Window
from bench.store import samples
from locustfiles._samples import SampleFile, SampleRecorder
from suite import records
from suite.errors import ResultsError

Row = tuple[int, int, int, int, int, str, str]
COLUMNS = ("intended_ns", "start_ns", "service_time_ns", "body_bytes", "status", "operation", "error")
FAR_NS = 2**62
ROWS: tuple[Row, ...] = (
    (100, 110, 50, 80, 200, "read_user", ""),
    (105, 120, 30, 0, 0, "read_user", "no answer within 60 s"),
    (FAR_NS, FAR_NS + 5, 0, 4_000_000_000, 503, "list_users", "status 503 instead of 200"),
    (110, 130, 1, 2, 200, "create_user", ""),
    (111, 131, 2, 2, 404, "read_user", "status 404 instead of 200"),
    (112, 132, 3, 0, 204, "Zoë's \n operation", "a\nline"),
    (113, 133, 4, 9, 200, "list_users", ""),
)


def written(path: Path, *chunks: tuple[Row, ...], marks: tuple[Mark, ...] = ()) -> bytes:
    """A stream of these chunks with a mark before each, for as many as there are."""
    recorder, file, more = SampleRecorder(), SampleFile(path), iter(marks)
    for chunk in chunks:
        if mark := next(more, None):
            file.mark(mark.event, mark.at_ns, mark.users)
        for intended_ns, start_ns, service_time_ns, body_bytes, status, operation, error in chunk:
            end_ns = start_ns + service_time_ns
            recorder.add(operation, "GET", intended_ns, start_ns, end_ns, body_bytes, status, error)
        if packed := recorder.take():
            file.append(packed)
    return path.read_bytes()


def read(path: Path) -> tuple[list[Row], tuple[Mark, ...]]:
    frame, marks = samples.read_stream(path)
    return frame.select(COLUMNS).rows(), marks


def test_both_descriptions_of_a_record_agree() -> None:
    """One packs a record at a time, the other reads many: field by field they are the same."""
    assert records.PACKER.size == records.RECORD.itemsize
    packed = records.PACKER.pack(*range(1, 8))
    assert records.RECORD.names == COLUMNS
    assert np.frombuffer(packed, records.RECORD)[0].tolist() == tuple(range(1, 8))


def test_round_trip(tmp_path: Path) -> None:
    """Every field of every request comes back, in order, over chunks in which new names appear."""
    path = tmp_path / "samples.bin"
    marks = (Mark("spawned", 7, 1000), Mark("stopping", FAR_NS, 999))
    written(path, ROWS[:3], ROWS[3:6], (), ROWS[6:], marks=marks)
    assert read(path) == (list(ROWS), marks)


def test_a_recorder_hands_each_sample_over_once() -> None:
    """Nothing recorded is nothing written."""
    recorder = SampleRecorder()
    assert recorder.take() is None
    recorder.add("ping", "GET", 1, 1, 2, 0, 200, "")
    assert recorder.take()
    assert recorder.take() is None


def test_a_stream_that_was_cut_off_gives_whole_chunks(tmp_path: Path) -> None:
    """Wherever it ends, what is read is a beginning of what was written, and no row is made up."""
    path = tmp_path / "samples.bin"
    marks = (Mark("spawned", 7, 3), Mark("stopping", 9, 3))
    whole = written(path, ROWS[:3], ROWS[3:5], ROWS[5:], marks=marks)
    beginnings = [list(ROWS[:size]) for size in (0, 3, 5, 7)]
    seen = set()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        rows, found = read(path)
        assert rows in beginnings, end
        assert found in {(), marks[:1], marks}, end
        seen.add(len(rows))
    assert seen == {0, 3, 5, 7}


@pytest.mark.parametrize(
    "content",
    [
        b"no stream\n",
        b"\x00\xff\n",
        b"[]\n",
        b"7\n",
        b'{"event": "spawned"}\n',
        b'{"records": -1, "operations": [], "errors": []}\n',
        b'{"records": "7", "operations": [], "errors": []}\n',
        b'{"records": 1}\n' + bytes(34),
        b'{"records": 1, "operations": ["a"], "errors": []}\n' + bytes(32) + b"\x09\x00",
        b'{"event": "spawned", "records": 0}\n',
    ],
)
def test_what_is_no_sample_stream_is_refused(tmp_path: Path, content: bytes) -> None:
    """With an error that names the file; never with a traceback of the reader's own."""
    path = tmp_path / "samples.bin"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"samples\.bin: not a sample stream"):
        samples.read_stream(path)


def test_an_empty_stream_has_no_samples(tmp_path: Path) -> None:
    """With the columns that others have."""
    path = tmp_path / "samples.bin"
    path.write_bytes(b"")
    empty, _ = samples.read_stream(path)
    written(path, ROWS)
    full, _ = samples.read_stream(path)
    assert empty.height == 0
    assert empty.schema == full.schema


def test_the_window_begins_after_the_warm_up() -> None:
    """Counted from the last user's start; its users are those that ran when it stopped."""
    marks = (Mark("spawned", 1_000, 10), Mark("stopping", 9_000_001_000, 9), Mark("ended", 9_000_002_000, 0))
    window = windows.window_of(marks, 2.5, 4)
    assert window == Window(2_500_001_000, 6_500_001_000, 9)
    assert window.length_s == 4
    facts = {"start_ns": 2_500_001_000, "end_ns": 6_500_001_000, "users": 9, "length_s": 4}
    assert window.as_dict() == facts | {"stopped_ns": None, "warm_up_s": None}


@pytest.mark.parametrize("events", [(), ("spawned",), ("stopping",), ("spawned", "ended")])
def test_no_window_without_its_end(events: tuple[str, ...]) -> None:
    """A load that ended early has none, rather than a shorter one."""
    marks = tuple(Mark(event, at, 1) for event, at in zip(events, count(), strict=False))
    with pytest.raises(ResultsError, match="ended before its window did"):
        windows.window_of(marks, 0, 1)


def test_requests_that_ended_in_the_window_count(tmp_path: Path) -> None:
    """At its first nanosecond, not at the one after its last; when they started does not matter."""
    path = tmp_path / "samples.bin"
    ends = (999, 1_000, 1_001, 1_999, 2_000)
    written(path, tuple((50, 100, end - 100, 0, 200, "ping", "bad" if end == 1_001 else "") for end in ends))
    frame, _ = samples.read_stream(path)
    inside = windows.classified(frame, Window(1_000, 2_000, 1)).filter("completed")
    assert inside.select("latency_ns", "ok").rows() == [(950, True), (951, False), (1_949, True)]


def test_marks_are_read_while_the_load_still_writes(tmp_path: Path) -> None:
    """Each as soon as all of it is there, whatever comes before it; nothing twice, and no file is no error."""
    marks = (Mark("spawned", 1, 3), Mark("measuring", 2, 3))
    content, path = written(tmp_path / "whole", ROWS[:2], ROWS[2:], marks=marks), tmp_path / "stream"
    follower, seen = samples.Follower(path), []
    assert follower.look() == []
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        seen.append(len(follower.look()))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1], len(set(seen))) == (0, 2, 3)
    assert tuple(follower.look()) == marks
