"""One test run as each version of Locust wrote it, after `locust/stats.py` of that version, with the same figures."""

from pathlib import Path

import pytest

from bench.compare import locust_csv
from suite.errors import ResultsError

# Until 1.0 a line was put together as text: no end behind the last one, None for no type, quotes as they are.
OLD_REQUESTS = (
    '"Method","Name","# requests","# failures","Median response time","Average response time",'
    '"Min response time","Max response time","Average Content Size","Requests/s"\n'
    '"GET","/users/[id]",1000,10,12,14,3,61,120,100.50\n'
)
OLD_DISTRIBUTION = '"Name","# requests","50%","66%","75%","80%","90%","95%","98%","99%",'
OLD_STATS = (
    '"Type","Name","# requests","# failures","Median response time","Average response time",'
    '"Min response time","Max response time","Average Content Size","Requests/s","Requests Failed/s",'
    '"50%","66%","75%","80%","90%","95%","98%","99%","99.9%","99.99%","99.999","100%"\n'
    '"GET","/users/[id]",1000,10,12,14,3,61,120,100.50,1.01,12,14,15,17,20,25,30,40,41,61,61,61\n'
    '"None","Aggregated",1000,10,12,14,3,61,120,100.50,1.01,12,14,15,17,20,25,30,40,41,61,61,61'
)
NEW_COLUMNS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,"
    "Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,"
    "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,"
)
NEW_FIGURES = "1000,10,12,14.0,3.125,61.5,120.0,100.5,1.005,12,14,15,17,20,25,30,40,41,61,"
# By version: what is behind a file's common name, and its text.
WRITTEN = {
    "0.11.0": {
        "_requests.csv": f'{OLD_REQUESTS}"None","Total",1000,10,12,14,3,61,120,100.50',
        "_distribution.csv": f'{OLD_DISTRIBUTION}"100%"\n"GET /users/[id]",1000,12,14,15,17,20,25,30,40,61\n'
        '"Total",1000,12,14,15,17,20,25,30,40,61',
    },
    "0.13.0": {
        "_requests.csv": f'{OLD_REQUESTS}"None","Aggregated",1000,10,12,14,3,61,120,100.50',
        "_distribution.csv": f'{OLD_DISTRIBUTION}"99.9%","99.99%","100%"\n'
        '"GET /users/[id]",1000,12,14,15,17,20,25,30,40,41,61,61\n"Aggregated",1000,12,14,15,17,20,25,30,40,41,61,61',
    },
    "0.13.5 to 0.14.6": {"_stats.csv": OLD_STATS},
    # From 1.0 on; the names of columns are those of today.
    "1.0.1": {
        "_stats.csv": ",".join(f'"{name}"' for name in [*NEW_COLUMNS.strip(",").split(","), "99.999%", "100%"])
        + OLD_STATS[OLD_STATS.index("\n") :]
    },
    # csv.writer, with CRLF, and nothing for no type.
    "1.1.1": {
        "_stats.csv": f"{NEW_COLUMNS}99.999%,100%\r\nGET,/users/[id],{NEW_FIGURES}61,61\r\n"
        f",Aggregated,{NEW_FIGURES}61,61\r\n"
    },
    "1.2.3 to 2.47.0": {
        "_stats.csv": f"{NEW_COLUMNS}100%\r\nGET,/users/[id],{NEW_FIGURES}61\r\n,Aggregated,{NEW_FIGURES}61\r\n"
    },
}
EVERY = ("50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%")


def put(folder: Path, version: str) -> Path:
    """The files of one version; the one that is named on the command line."""
    folder.mkdir()
    for name, text in WRITTEN[version].items():
        (folder / f"run{name}").write_bytes(text.encode())
    return folder / f"run{next(iter(WRITTEN[version]))}"


@pytest.mark.parametrize("version", WRITTEN)
def test_every_version_is_compared_with_that_of_today(tmp_path: Path, version: str) -> None:
    """All requests first; the same figures; percentiles from the file beside it, where they are in another."""
    old, new = put(tmp_path / "old", version), put(tmp_path / "new", "1.2.3 to 2.47.0")
    expected = [one for one in EVERY if version != "0.11.0" or not one.startswith("99.")]
    for pair in ((old, new), (new, old), (old, old)):
        ratios, alone = locust_csv.compare(*pair)
        shown = [*expected[:-1], "99.999%", "100%"] if pair == (old, old) and is_with_99_999(version) else expected
        assert [(one.name, one.metric) for one in ratios] == [
            (name, metric)
            for name in ("Aggregated", "GET /users/[id]")
            for metric in ("Requests/s", "failed", "Average Response Time", *shown)
        ]
        assert {one.ratio for one in ratios} == {1.0}
        assert list(alone) == []


def is_with_99_999(version: str) -> bool:
    return any("99.999" in text for text in WRITTEN[version].values())


def test_without_its_distribution_an_old_file_has_a_median(tmp_path: Path) -> None:
    """It is what Locust of today calls 50%. The distribution alone has percentiles, and nothing else."""
    old, new = put(tmp_path / "old", "0.13.0"), put(tmp_path / "new", "1.2.3 to 2.47.0")
    alone = old.rename(tmp_path / "x_requests.csv")
    ratios, _ = locust_csv.compare(alone, new)
    assert [one.metric for one in ratios[:4]] == ["Requests/s", "failed", "Average Response Time", "50%"]
    assert len(ratios) == 8
    ratios, _ = locust_csv.compare(tmp_path / "old/run_distribution.csv", new)
    assert [one.metric for one in ratios] == [*EVERY] * 2


def test_a_row_without_requests_has_no_percentiles(tmp_path: Path) -> None:
    """Locust 0.13.0 left the type out of its name in the distribution, so that two may have one name."""
    old = put(tmp_path / "old", "0.13.0")
    none = '"/none",0,' + ",".join(['"N/A"'] * 11)
    for name, more in (("_requests.csv", '"GET","/none",0,0,0,0,0,0,0,0.00'), ("_distribution.csv", f"{none}\n{none}")):
        path = old.parent / f"run{name}"
        path.write_text(f"{path.read_text()}\n{more}")
    ratios, _ = locust_csv.compare(old, old)
    assert [(one.metric, one.old) for one in ratios if one.name == "GET /none"] == [
        ("Requests/s", 0.0), ("Average Response Time", 0.0), ("50%", None),
    ]  # fmt: skip


def test_a_quote_in_a_name_was_written_as_it_is(tmp_path: Path) -> None:
    """By Locust before 1.1; today's doubles it."""
    old = tmp_path / "old_stats.csv"
    old.write_text(OLD_STATS.replace("/users/[id]", '/find?name="Ann",x'))
    new = tmp_path / "new_stats.csv"
    today = WRITTEN["1.2.3 to 2.47.0"]["_stats.csv"]
    new.write_bytes(today.replace("/users/[id]", '"/find?name=""Ann"",x"').encode())
    ratios, alone = locust_csv.compare(old, new)
    assert {one.name for one in ratios} == {"Aggregated", 'GET /find?name="Ann",x'}
    assert alone == ()


def test_a_request_named_total_is_none_of_all_requests(tmp_path: Path) -> None:
    """Where there is a row Aggregated, Total is a name as any other."""
    path = tmp_path / "a_stats.csv"
    today = WRITTEN["1.2.3 to 2.47.0"]["_stats.csv"]
    path.write_text(today.replace("GET,/users/[id]", ",Total"))
    assert {one.name for one in locust_csv.compare(path, path)[0]} == {"Aggregated", "Total"}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,100%,Total Request Count",
            "line 1: it is a _stats_history.csv of Locust, with many rows for each name; name the _stats.csv beside it",
        ),
        ("Method,Name,Error,Occurrences", "line 1: it is a _failures.csv of Locust, without any times; name the"),
        ("Count,Message,Traceback,Nodes", "line 1: it is an _exceptions.csv of Locust, without any times; name the"),
        ("service,operation,verdict", "line 1: it is a summary.csv of this suite; name the folders of two runs"),
        (f"{NEW_COLUMNS}50.0%", "line 1: column 50% is there twice; remove one"),
    ],
)
def test_a_file_without_statistics_is_named_as_what_it_is(tmp_path: Path, header: str, message: str) -> None:
    """With the one to name instead."""
    good, other = put(tmp_path / "good", "1.2.3 to 2.47.0"), tmp_path / "other.csv"
    other.write_text(f"{header}\n")
    with pytest.raises(ResultsError) as error:
        locust_csv.compare(good, other)
    assert str(error.value).startswith(f"{other}, {message}")
