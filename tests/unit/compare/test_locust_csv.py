"""Files of Locust that may come from anywhere."""

from pathlib import Path

import pytest

from bench.compare import locust_csv
from suite.errors import ResultsError

HEADER = "Type,Name,Request Count,Failure Count,Requests/s,Failures/s,50%,99%,99.9%,100%"
READ, ALL = "GET,/users/[id],1000,0,100.5,0.0,12,40,41,60", ",Aggregated,1000,0,100.5,0.0,12,40,41,60"


HOSTILE = ",1\x1b[2J,"  # clears a terminal


def written(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_rows_are_compared_by_name(tmp_path: Path) -> None:
    """Requests/s, failures where there are any, and the percentiles as Locust gives them."""
    old = written(tmp_path / "a.csv", READ, ALL, "GET,/gone,1,0,1,0,1,1,1,1")
    new = written(tmp_path / "b.csv", "GET,/users/[id],1000,10,201,1.0,6,40,N/A,", ALL, "GET,/new,1,0,1,0,1,1,1,1")
    ratios, alone = locust_csv.compare(old, new)
    assert [(one.metric, one.old, one.new, one.ratio) for one in ratios if one.name == "GET /users/[id]"] == [
        ("Requests/s", 100.5, 201.0, 2.0),
        ("failed", 0.0, 0.01, None),
        ("50%", 12.0, 6.0, 0.5),
        ("99%", 40.0, 40.0, 1.0),
        ("99.9%", 41.0, None, None),
        ("100%", 60.0, None, None),
    ]
    assert {one.ratio for one in ratios if one.name == "Aggregated"} == {1.0}
    assert [(one.name, one.metric, one.old, one.new) for one in alone] == [
        ("GET /gone", "only in the old file", 1.0, None),
        ("GET /new", "only in the new file", None, 1.0),
    ]


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    """A byte-order mark, CRLF, another order, blank lines and further columns do not matter."""
    plain = written(tmp_path / "a.csv", READ, ALL)
    lines = [line.split(",")[::-1] for line in plain.read_text().splitlines()]
    text = "\r\n\r\n".join(",".join([*line, "more"]) for line in lines)
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    ratios, alone = locust_csv.compare(plain, tmp_path / "b.csv")
    assert {one.ratio for one in ratios} == {1.0}
    assert {one.metric for one in ratios} == {"Requests/s", "50%", "99%", "99.9%", "100%"}
    assert alone == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: no column Type, Name, Request Count, Failure Count, Requests/s; is it a _stats.csv of Locust?"),
        (b"a,b\n1,2\n", "line 1: no column Type, Name"),
        (HEADER.encode(), "it has no rows"),
        (f"{HEADER}\n{READ}\n{READ}\n".encode(), "line 3: a second row for 'GET /users/[id]'; keep one"),
        (
            f"{HEADER}\n{READ}\n{READ[:15]}\n".encode(),
            "line 3: 2 columns where the header has 10; was the file cut off?",
        ),
        (f"{HEADER}\n{READ},5\n".encode(), "line 2: 11 columns where the header has 10; is there a comma too many?"),
        (f"{HEADER},Name\n{READ},x\n".encode(), "line 1: column Name is there twice"),
        (f"{HEADER}\n{READ.replace('100.5', 'NaN')}\n".encode(), "line 2: Requests/s is 'NaN', not a finite number"),
        (f"{HEADER}\n{READ}\nGET,/else,1,x,1,0,1,1,1,1\n".encode(), "line 3: Failure Count is 'x'"),
        (f"{HEADER}\n{READ.replace('100.5', 'inf')}\n".encode(), "line 2: Requests/s is 'inf', not a finite number"),
        (f"{HEADER}\n{READ.replace('100.5', '-1')}\n".encode(), "line 2: Requests/s is '-1', not a finite number"),
        (f"{HEADER}\n{READ.replace('100.5', 'fast')}\n".encode(), "line 2: Requests/s is 'fast', not a finite number"),
        (
            f"{HEADER}\n{READ.replace(',12,', HOSTILE)}\n".encode(),
            "line 2: 50% is '1\N{REPLACEMENT CHARACTER}[2J'",
        ),
        (
            f"{HEADER}\n".encode() + b"GET,\xff\xfe,1,0,1,0,1,1,1,1\n",
            "line 2: the byte 0xff is not UTF-8; save the file as CSV in UTF-8",
        ),
        (f'{HEADER}\n"GET"x,a,1,0,1,0,1,1,1,1\n'.encode(), "expected after"),
    ],
)
def test_a_bad_file_is_named_with_the_line(tmp_path: Path, content: bytes, message: str) -> None:
    """One message says which file, where and what; on the side of the new file as on that of the old one."""
    good, bad = written(tmp_path / "good.csv", READ, ALL), tmp_path / "bad.csv"
    bad.write_bytes(content)
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(ResultsError) as error:
            locust_csv.compare(*pair)
        assert str(bad) in str(error.value)
        assert message in str(error.value)


def test_the_largest_change_comes_first(tmp_path: Path) -> None:
    """All requests, then the names by how far one of their figures moved, up or down; what is rounded to 0 is no 0."""

    def row(name: str, rate: str, *percentiles: int, failures: int = 0) -> str:
        return f"GET,{name},1000,{failures},{rate},0," + ",".join(map(str, percentiles))

    old = [
        row("/same", "10", 10, 10, 10, 10),
        row("/twice", "10", 10, 10, 10, 10),
        row("/third", "30", 10, 10, 10, 10),
        row("/failing", "10", 10, 10, 10, 10),
        row("/rounded", "10", 1, 1, 1, 10),
        ALL,
    ]
    new = [
        row("/same", "10", 10, 10, 10, 10),
        row("/twice", "10", 10, 10, 10, 21),
        row("/third", "10", 10, 10, 10, 10),
        row("/failing", "10", 10, 10, 10, 10, failures=900),
        row("/rounded", "10", 0, 1, 1, 10),
        ALL,
    ]
    ratios, _ = locust_csv.compare(written(tmp_path / "a.csv", *old), written(tmp_path / "b.csv", *new))
    names = ["Aggregated", "GET /failing", "GET /third", "GET /twice", "GET /rounded", "GET /same"]
    assert list(dict.fromkeys(one.name for one in ratios)) == names


def test_files_without_a_common_row_are_not_compared(tmp_path: Path) -> None:
    """Both are named, and so is one that is not there."""
    good, other = written(tmp_path / "a.csv", READ), written(tmp_path / "b.csv", ALL)
    with pytest.raises(ResultsError, match=r"a\.csv and .*b\.csv have no row in common"):
        locust_csv.compare(good, other)
    with pytest.raises(ResultsError, match=r"cannot read .*none\.csv"):
        locust_csv.compare(good, tmp_path / "none.csv")
