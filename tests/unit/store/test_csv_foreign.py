"""Tables as other programs write them: one of Locust, in all of these forms, has the same figures."""

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.compare import locust_csv
from suite.errors import ResultsError

LOCUST = (
    "Type,Name,Request Count,Failure Count,Average Response Time,Requests/s,50%,99.9%,100%\r\n"
    "GET,/café/1.5,1000,10,14.25,100.5,12,40,61\r\n"
    ",Aggregated,1000,10,14.25,100.5,12,40,61\r\n"
)


def with_commas(text: str, separator: str) -> str:
    """As a German spreadsheet saves it."""
    figures = text.replace(",", separator).replace("14.25", "14,25").replace("100.5", "100,5")
    return figures.replace("99.9%", "99,90 %")


FORMS: dict[str, Callable[[str], bytes]] = {
    "semicolon": lambda text: text.replace(",", ";").encode(),
    "tab": lambda text: text.replace(",", "\t").encode(),
    "first line sep=;": lambda text: f"sep=;\r\n{text.replace(',', ';')}".encode(),
    "first line sep=,": lambda text: f'"sep=,"\n{text}'.encode(),
    "decimal comma and semicolon": lambda text: with_commas(text, ";").encode(),
    "decimal comma and tab": lambda text: with_commas(text, "\t").encode(),
    "decimal comma, sep= and UTF-16": lambda text: f"sep=;\r\n{with_commas(text, ';')}".encode("utf-16"),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16, little end first": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "LF": lambda text: text.replace("\r\n", "\n").encode(),
    "CR CR LF, as on Windows": lambda text: text.replace("\r\n", "\r\r\n").encode(),
    "no end": lambda text: text.rstrip().encode(),
    "rows of commas": lambda text: (text + ",,,,,,,,\r\n" * 3).encode(),
    "rows of spaces and semicolons": lambda text: (text.replace(",", ";") + " ;;;;;;;;\r\n" * 3).encode(),
    "columns of commas": lambda text: text.replace("\r\n", ",,\r\n").encode(),
    "commas behind the last column": lambda text: (text.replace("61\r\n", "61,,\r\n")).encode(),
    "rows of commas first": lambda text: (",,,\r\n" + text).encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip of UTF-16": lambda text: gzip.compress(text.encode("utf-16")),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_read_in_every_form(tmp_path: Path, form: str) -> None:
    """On either side, with the figures and names of the plain one."""
    plain, other = tmp_path / "plain_stats.csv", tmp_path / ("a.csv.gz" if "gzip" in form else "a.csv")
    plain.write_bytes(LOCUST.encode())
    other.write_bytes(FORMS[form](LOCUST))
    expected = locust_csv.compare(plain, plain)
    assert locust_csv.compare(plain, other) == expected
    assert locust_csv.compare(other, plain) == expected
    assert [(one.metric, one.new) for one in expected[0][6:]] == [
        ("Requests/s", 100.5), ("failed", 0.01), ("Average Response Time", 14.25),
        ("50%", 12.0), ("99.9%", 40.0), ("100%", 61.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04...", "cannot read {}: it is a spreadsheet or an archive; save the sheet as CSV"),
        (gzip.compress(LOCUST.encode())[:-12], "cannot read {}: it is damaged (Compressed file ended before"),
        (b"\x1f\x8bnothing", "cannot read {}: it is damaged ("),
        (LOCUST.encode("utf-16-le"), "{}, line 1: it has zero bytes, as UTF-16 does; save the file as CSV in UTF-8"),
        (LOCUST.encode("latin-1"), "{}, line 2: the byte 0xe9 is not UTF-8; save the file as CSV in UTF-8"),
        (b"\xff\xfeT", "{}, line 1: the byte 0x54 is not UTF-16; save the file as CSV in UTF-8"),
        (
            with_commas(LOCUST, ";").replace("14,25", "14.25").encode(),
            "{}, line 2: Average Response Time is '14.25', not a finite number from 0 on; other figures of",
        ),
        (
            f"sep=;\n{LOCUST.replace(',', ';')};5".encode(),
            "{}, line 5: 2 columns where the header has 9; was the file cut off?",
        ),
        (
            LOCUST.replace(",", ";").replace("61\r\n", "61;5\r\n").encode(),
            "{}, line 2: 10 columns where the header has 9; is there a semicolon too many?",
        ),
        (LOCUST.replace("14.25", '"14,25"').encode(), "{}, line 2: Average Response Time is '14,25', not a finite"),
        (
            LOCUST.replace("/café", '"/"x').encode(),
            "{}, line 2: it is not CSV (',' expected after '\"'); a quote inside a cell must be doubled",
        ),
        (f"sep=;\n{LOCUST}".encode(), "{}, line 2: no column Type, Name, Request Count, Failure Count, Requests/s; is"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_line_and_a_remedy(tmp_path: Path, content: bytes, message: str) -> None:
    """The line is that of the file, a line sep= being one."""
    good, bad = tmp_path / "good_stats.csv", tmp_path / "bad.csv"
    good.write_bytes(LOCUST.encode())
    bad.write_bytes(content)
    with pytest.raises(ResultsError) as error:
        locust_csv.compare(good, bad)
    assert str(error.value).startswith(message.format(bad))


def test_standard_input_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same forms. Messages call it what it is, and one that is closed is named."""
    path = tmp_path / "a_stats.csv"
    path.write_bytes(LOCUST.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(LOCUST.encode("utf-16")))))
    assert locust_csv.compare("-", path) == locust_csv.compare(path, path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOCUST.encode() + b"GET,/x\n")))
    with pytest.raises(ResultsError, match=r"^standard input, line 4: 2 columns where the header has 9"):
        locust_csv.compare(path, "-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ResultsError, match=r"^cannot read standard input: it is closed"):
        locust_csv.compare(path, "-")
