"""Every parser on whatever it may be given: a value that keeps its promises, or the suite's own error on one line.

`HYPOTHESIS_PROFILE=search pytest tests/unit/test_properties.py` looks further than `make test` does.
"""

import gzip
import json
import shutil
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bench.analysis.recorded.windows import Mark
from bench.commands import options
from bench.compare import causes, figures, locust_csv, locust_forms
from bench.measure import resuming
from bench.plan import file
from bench.plan.claims import Claim
from bench.plan.matrix import cells
from bench.plan.model import Plan
from bench.report.html import index
from bench.store import csv_reading, files, recordings, samples, stored
from bench.tracing import events
from db.address import dsn
from db.address.dsn import Dsn
from db.protocol import Splitter
from suite import csv_writing, records
from suite.errors import BenchError, DatabaseError, PlanError, ResultsError, UsageError
from tests.unit import recording_of

TEXT = st.text(max_size=40)
SAID = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
NUMBER = st.one_of(
    st.integers(-3, 200), st.integers(), st.floats(), st.sampled_from([0, 1, 10**30, -(10**400), 0.5, 1e308])
)
SCALAR = st.one_of(NUMBER, st.booleans(), TEXT)
JSON = st.recursive(
    st.one_of(st.none(), SCALAR), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a test, each of which writes its file anew."""
    return tmp_path_factory.mktemp("scratch")


def parsed(error: type[BenchError] | tuple[type[BenchError], ...], parse: Callable[[], Any]) -> Any:
    """What a parser gives; None where it refuses with its own error, which is one line."""
    try:
        return parse()
    except error as refused:
        said = str(refused)
    assert said.strip()
    assert len(said.splitlines()) == 1, said
    return None


# --- databases ------------------------------------------------------------------------------------------------


PASSED_ON = ("application_name", "options", "sslmode", "sslcert", "sslpassword", "krbsrvname", "keepalives_idle")


@given(
    host=st.one_of(
        st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True), st.ip_addresses().map(str), SAID.map("/{}".format)
    ),
    port=st.integers(1, 65535),
    words=st.tuples(SAID, SAID | st.just(""), SAID),
    parameters=st.dictionaries(st.sampled_from(PASSED_ON), SAID, max_size=3),
)
def test_a_database_is_read_back_from_its_url(
    host: str, port: int, words: tuple[str, str, str], parameters: dict[str, str]
) -> None:
    """Whatever its user, password, name and parameters are; and no form of printing has the password."""
    assume(not set(",[]") & set(host))
    made = Dsn(host, port, *words, tuple(parameters.items()))
    assert dsn.parse(made.url) == made
    hidden = Dsn(host, port, words[0], "hunter2-hunter2", words[2], made.parameters)
    assert "hunter2-hunter2" not in f"{hidden} {hidden!r} {hidden.redacted}"


URL_PIECES = st.sampled_from(
    [
        "postgresql://",
        "postgres://",
        "@",
        ":",
        "/",
        "?",
        "&",
        "=",
        "[",
        "]",
        "%",
        "%2F",
        "%00",
        "%ff",
        "::1",
        "host=",
        "port=",
    ]
)


@given(st.one_of(TEXT, st.lists(URL_PIECES | SAID, max_size=8).map("".join).map("postgresql://{}".format)))
@example("postgresql://\udcff@h/d")
@example("postgresql://?host=a:]b")
@example("postgresql://h:" + "9" * 5000)
def test_any_url_is_a_database_or_refused(url: str) -> None:
    """And a database can be written as a URL again, which means the same."""
    found = parsed(DatabaseError, lambda: dsn.parse(url))
    if found is not None:
        assert 1 <= found.port <= 65535
        assert found.user
        assert dsn.parse(found.url) == found


@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*dsn.VARIABLES, "DATABASE_URL"), TEXT)))
def test_any_environment_names_a_database_or_none_or_is_refused(environ: dict[str, str]) -> None:
    """As variables of libpq, or as a URL."""
    found = parsed(DatabaseError, lambda: dsn.from_environment(environ))
    if found is not None:
        assert dsn.parse(found.url) == found


# --- command-line options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [options.Names(), options.Integers(), options.SHARE], ids=lambda kind: type(kind).__name__
)
@given(text=st.one_of(TEXT, st.from_regex(r"[-+0-9.,%_ naif]{0,12}", fullmatch=True)))
@example(text="9" * 5000)
@example(text="nan%")
def test_any_option_is_a_value_or_refused_in_a_line(kind: click.ParamType[Any], text: str) -> None:
    """Names are not empty; integers are written as they are read; a share is above 0 and below 1."""
    said, value = "", None
    try:
        value = kind.convert(text, None, None)
    except click.BadParameter as refused:
        said = refused.format_message()
    if value is None:
        assert len(said.splitlines()) == 1
        return
    if isinstance(value, float):
        assert 0 < value < 1
    else:
        assert "" not in value
        assert kind.convert(",".join(map(str, value)), None, None) == value or not value
    assert kind.convert(value, None, None) == value


# --- plans ----------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    ["title", "matrix", "load", "rounds", "database", "verdict", "claims", "scenarios", "services", "users", "rate",
     "parameters", "count", "seed", "once", "scale", "arrival", "rate_share", "precision", "measure_s", "metric"]
)  # fmt: skip
NAMES = st.sampled_from(["point_read", "asyncpg_async", "no_database", "open", "closed", "batch", "gunicorn"])
TOML_VALUE = st.recursive(
    st.one_of(NAMES, SAID, NUMBER, st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SAID, inner, max_size=4),
    max_leaves=12,
)
SECTION = st.dictionaries(KEYS | SAID, TOML_VALUE, max_size=5)


def as_toml(value: Any) -> str:
    """A value as TOML writes it, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_toml(key)} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


def read_plan(folder: Path, text: str, given_options: dict[str, Any]) -> None:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    found: Plan | None = parsed(PlanError, lambda: file.read(path, given_options))
    if found is not None:
        assert stored.plan_of({"plan": json.loads(json.dumps(found.model_dump()))}) == found or found.load.rate_share
        slugs = [cell.slug for cell in cells(found)]
        assert slugs


OPTIONS = st.fixed_dictionaries(
    {}, optional={"services": st.just(["asyncpg_async"]), "rate": NUMBER, "users": st.lists(NUMBER)}
)


@given(written=st.dictionaries(KEYS, TOML_VALUE | SECTION, max_size=5), given_options=OPTIONS)
@example(written={"matrix": 5}, given_options={"services": ["asyncpg_async"]})
@example(written={"load": {}}, given_options={"rate": 1.0})
def test_any_table_is_a_plan_or_refused_in_a_line(
    scratch: Path, written: dict[str, Any], given_options: dict[str, Any]
) -> None:
    """Whatever its keys and values are; and what is a plan is the same one after it was stored."""
    read_plan(scratch, "".join(f"{as_toml(key)} = {as_toml(value)}\n" for key, value in written.items()), given_options)


ALL_KEYS = sorted(
    {key for one in Plan.model_fields.values() for key in getattr(one.annotation, "model_fields", {})}
    | set(Claim.model_fields)
)
BASE = {"matrix": {"scenarios": ["point_read"], "services": ["asyncpg_async", "psycopg2_sync"]}}


@given(
    place=st.sampled_from(["matrix", "load", "rounds", "database", "verdict", "claims"]),
    key=st.sampled_from(
        sorted({key for one in Plan.model_fields.values() for key in getattr(one.annotation, "model_fields", {})})
    )
    | SAID,
    value=TOML_VALUE,
)
def test_a_plan_with_any_one_thing_changed_is_a_plan_or_refused(
    scratch: Path, place: str, key: str, value: Any
) -> None:
    """So that most of it is right, and the rest is looked at."""
    section: Any = [{key: value, "id": "a"}] if place == "claims" else {**BASE.get(place, {}), key: value}
    written: dict[str, Any] = {**BASE, place: section}
    read_plan(scratch, "".join(f"{as_toml(name)} = {as_toml(one)}\n" for name, one in written.items()), {})


@given(
    st.one_of(
        TEXT, st.text("[]{}=\"'#.\n ab1-:", max_size=60), st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
    )
)
@example("a = " + "[" * 5000)
def test_any_text_is_a_plan_or_refused_in_a_line(scratch: Path, text: str) -> None:
    """What is not TOML, too."""
    read_plan(scratch, text, {})


# --- CSV files ------------------------------------------------------------------------------------------------

CELL = st.one_of(
    st.sampled_from(["", "N/A", "GET", "read_user", "1", "2.5", "-1", "nan", "inf", "1e309", '"', "a\nb"]), TEXT
)
HEADER = st.lists(st.sampled_from([*locust_forms.REQUIRED, "50%", "99%", "x"]), max_size=8).map(
    lambda more: [*locust_forms.REQUIRED, *dict.fromkeys(more)]
)


def as_csv(rows: list[list[str]], end: str) -> str:
    quoted = [
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if set(cell) & set(',"\r\n') else cell for cell in row)
        for row in rows
    ]
    return "".join(line + end for line in quoted)


@given(
    rows=st.lists(st.lists(CELL, min_size=5, max_size=8), max_size=4),
    header=st.one_of(st.just(list(locust_forms.REQUIRED)), HEADER),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
def test_any_table_is_statistics_of_locust_or_refused(
    scratch: Path, rows: list[list[str]], header: list[str], end: str, *, bom: bool
) -> None:
    """What is read has a type, a name and figures from 0 on; compared with itself, nothing has changed."""
    path = scratch / "a_stats.csv"
    path.write_text("\ufeff" * bom + as_csv([header, *rows], end), encoding="utf-8", errors="surrogatepass", newline="")
    found = parsed(ResultsError, lambda: locust_forms.read(str(path)))
    if found is not None:
        assert all((figure or 0) >= 0 for row in found.values() for figure in row.values())
    compared = parsed(ResultsError, lambda: locust_csv.compare(path, path))
    if compared is not None:
        ratios, alone = compared
        assert alone == ()
        assert {one.ratio for one in ratios} <= {1.0, None}


@given(st.one_of(st.binary(max_size=80), TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_a_table_or_refused(scratch: Path, content: bytes) -> None:
    """Every row that is read has every column of the header."""
    path = scratch / "any.csv"
    path.write_bytes(content)
    lines = parsed(ResultsError, lambda: csv_reading.read(path, (), "a table"))
    if lines:
        assert len({tuple(line.values) for line in lines}) == 1


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_a_table_that_is_written_is_read_back(scratch: Path, rows: list[list[str]]) -> None:
    """But for what a spreadsheet would run, which is disarmed."""
    path = scratch / "own.csv"
    files.write_whole(path, csv_writing.csv_text(("a", "b"), [dict(zip("ab", row, strict=True)) for row in rows]))
    lines = csv_reading.read(path, ("a", "b"), "a table")
    disarmed = [[f"'{cell}" if cell.startswith(csv_writing.FORMULA_STARTS) else cell for cell in row] for row in rows]
    assert [list(line.values.values()) for line in lines] == disarmed


# --- PostgreSQL's protocol ------------------------------------------------------------------------------------

MESSAGES = st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=30)), max_size=6)


@given(messages=MESSAGES, starts=st.booleans(), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_messages_are_the_same_wherever_the_network_cut_them(
    messages: list[tuple[bytes, bytes]], cuts: list[int], *, starts: bool
) -> None:
    """And all bytes of whole ones are in them."""
    if starts and messages:
        messages = [(b"", messages[0][1]), *messages[1:]]
    sent = b"".join(kind + struct.pack("!i", len(body) + 4) + body for kind, body in messages)
    edges = sorted({0, len(sent), *(min(cut, len(sent)) for cut in cuts)})
    splitter = Splitter(from_client=starts)
    found = [one for begin, end in pairwise(edges) for one in splitter.feed(sent[begin:end])]
    assert found == messages


@given(parts=st.lists(st.binary(max_size=20), max_size=5), starts=st.booleans())
@example(parts=[bytes(8)], starts=True)
@example(parts=[b"Q\xff\xff\xff\xf0"], starts=False)
def test_what_is_not_the_protocol_ends(parts: list[bytes], *, starts: bool) -> None:
    """No message is made of more bytes than there were, and it never hangs."""
    splitter = Splitter(from_client=starts)
    found = [one for part in parts for one in splitter.feed(part)]
    assert sum(4 + len(kind) + len(body) for kind, body in found) <= sum(map(len, parts))


# --- samples and traces ---------------------------------------------------------------------------------------

NS = st.integers(0, 2**62)
RECORDS = st.tuples(
    NS, NS, NS, st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.integers(0, 1), st.integers(0, 1)
)


def stream(head: object, body: bytes) -> bytes:
    return json.dumps(head).encode() + b"\n" + body


@given(
    chunks=st.lists(st.tuples(st.lists(RECORDS, max_size=4), st.tuples(SAID, SAID)), max_size=4),
    cut=st.integers(0, 400),
)
def test_a_stream_of_samples_is_read_back_whole_or_a_beginning_of_it(
    scratch: Path, chunks: list[tuple[list[tuple[int, ...]], tuple[str, str]]], cut: int
) -> None:
    """Every field of every record, whatever the names are."""
    path, content, expected = scratch / "samples.bin", b"", []
    for rows, (operation, error) in chunks:
        names = {"operations": [operation, "b"], "errors": ["", error]}
        content += stream({"records": len(rows), **names}, b"".join(records.PACKER.pack(*row) for row in rows))
        expected += [(*row[:5], names["operations"][row[5]], names["errors"][row[6]]) for row in rows]
    columns = ("intended_ns", "start_ns", "service_time_ns", "body_bytes", "status", "operation", "error")
    path.write_bytes(content)
    assert samples.read_stream(path)[0].select(columns).rows() == expected
    path.write_bytes(content[:cut])
    rows_read = samples.read_stream(path)[0].select(columns).rows()
    assert rows_read == expected[: len(rows_read)]


SOME_NAMES = st.lists(TEXT, max_size=2) | JSON
SOME_NUMBER = NUMBER | JSON
HEAD = st.fixed_dictionaries(
    {"records": st.integers(0, 2) | SCALAR, "operations": SOME_NAMES, "errors": SOME_NAMES},
    optional={"event": JSON, "at_ns": SOME_NUMBER, "users": SOME_NUMBER, "reconnects": JSON, "offset_ns": SOME_NUMBER},
)
NEVER = {"records": 0, "event": "spawned", "at_ns": float("inf"), "users": 1, "operations": [], "errors": []}


@given(head=HEAD | JSON, body=st.binary(max_size=70))
@example(
    head={"records": 0, "event": "spawned", "at_ns": float("inf"), "users": 1, "operations": [], "errors": []}, body=b""
)
@example(head={"records": 1, "operations": ["a"], "errors": [""], "offset_ns": 10**30}, body=bytes(34))
def test_any_bytes_are_samples_or_refused(scratch: Path, head: object, body: bytes) -> None:
    """Samples have their columns, marks their times."""
    path = scratch / "any.bin"
    path.write_bytes(stream(head, body))
    found = parsed(ResultsError, lambda: samples.read_stream(path))
    if found is not None:
        frame, marks = found
        assert frame.columns[:2] == ["intended_ns", "start_ns"]
        assert all(isinstance(mark, Mark) and isinstance(mark.at_ns, int) for mark in marks)


PIDS = st.integers(1, 2**22)
EVENTS = st.builds(events.Event, NS, PIDS, PIDS, st.sampled_from(events.NAMES), st.none() | PIDS, SAID)


@given(st.lists(EVENTS, max_size=6))
def test_a_trace_is_read_back_in_the_order_of_time(scratch: Path, written: list[events.Event]) -> None:
    """Whatever order processes wrote it in."""
    path = scratch / "trace.jsonl"
    lines = [[one.at_ns, one.process, one.request, one.name, one.connection, one.detail] for one in written]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = events.read(path)
    assert sorted(found, key=repr) == sorted(written, key=repr)
    assert [one.at_ns for one in found] == sorted(one.at_ns for one in written)


@given(st.lists(JSON | st.tuples(SCALAR, NUMBER, NUMBER, SCALAR).map(list), max_size=3))
@example([[1, 1, 1, "received"], ["a", 1, 1, "received"]])
@example([{"a": 1, "b": 2, "c": 3, "d": 4}])
def test_any_lines_are_a_trace_or_refused(scratch: Path, values: list[Any]) -> None:
    """An event has times and numbers that are numbers, and a name that there is."""
    path = scratch / "any.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    for event in parsed(ResultsError, lambda: events.read(path)) or ():
        assert isinstance(event.at_ns, int)
        assert event.name in events.NAMES


@given(st.one_of(JSON.map(json.dumps), TEXT, st.just("[" * 100_000)))
def test_any_file_of_a_run_is_an_object_or_refused(scratch: Path, text: str) -> None:
    """A list, a number or nonsense is refused by name, or is nothing where a file may be missing."""
    path = scratch / "any.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    found = parsed(ResultsError, lambda: files.json_of(path))
    assert json.dumps(found) == json.dumps(files.json_object(path))  # as text, where NaN is NaN


FILES = ("plan.json", "environment.json", "status.json", "rounds/01/asyncpg_async-users_10/window.json")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every object or list in a JSON value, with every key or index that it has."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, made_up_run: Path) -> Path:
    """A stored run of which one file is changed in each example."""
    return Path(shutil.copytree(made_up_run, tmp_path_factory.mktemp("changed") / "run"))


@given(data=st.data(), name=st.sampled_from(FILES), value=JSON | st.sampled_from(["", {}, [], None, -1, 1e999]))
def test_a_run_with_any_one_value_changed_is_read_or_refused(run: Path, data: Any, name: str, value: Any) -> None:
    """By `bench report`, `bench compare`, `bench run --resume` and the index of all runs."""
    before = (run / name).read_text()
    whole = json.loads(before)
    holder, key = data.draw(st.sampled_from(places(whole)), label="place")
    holder[key] = value
    (run / name).write_text(json.dumps(whole))
    try:
        found = parsed(ResultsError, lambda: stored.outcome(run, what_there_is=True))
        assert found is None or found.results or name == "plan.json"
        read = parsed(ResultsError, lambda: figures.read(run))
        if read is not None:
            assert causes.obstacles(read.facts, read.facts) == () or name in {"environment.json", "plan.json"}
            causes.candidates(read.facts, read.facts)
        parsed((ResultsError, UsageError), lambda: resuming.read(str(run)))
        [entry] = index.entries(run.parent)
        assert entry.name == run.name
    finally:
        (run / name).write_text(before)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run of one cell, with everything that was recorded beside its samples."""
    folder = tmp_path_factory.mktemp("recorded")
    recording_of.write_cell(folder / "rounds" / "01" / recording_of.CELL.slug)
    (folder / "plan.json").write_text(json.dumps({"plan": recording_of.PLAN.model_dump()}))
    return folder


@given(data=st.data(), value=JSON | st.sampled_from(["", {}, [], None, -1, 10**30, 1e999]))
def test_a_recording_with_any_one_value_changed_is_read_or_refused(recorded: Path, data: Any, value: Any) -> None:
    """Its cell is INVALID then, and the page names the file; nothing else can come of it."""
    path = recorded / "rounds" / "01" / recording_of.CELL.slug / recordings.NAME
    before = path.read_bytes()
    whole = json.loads(gzip.decompress(before))
    holder, key = data.draw(st.sampled_from(places(whole)), label="place")
    holder[key] = value
    path.write_bytes(gzip.compress(json.dumps(whole).encode()))
    try:
        found = stored.outcome(recorded, what_there_is=True)
        assert [result.cell for result in found.ordered()] == [recording_of.CELL]
        assert all(recordings.NAME in problem for problem in found.unreadable)
        parsed(ResultsError, lambda: stored.outcome(recorded))
    finally:
        path.write_bytes(before)
