"""What the documents name exists."""

import ast
import fnmatch
import io
import re
import tokenize
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from bench import cli
from bench.analysis import parity, verdict
from bench.analysis.recorded import timeline
from bench.cli import COMMANDS
from bench.measure import job
from bench.measure.job import RunRequest
from bench.plan import file
from bench.plan.claims import METRICS, Claim
from bench.plan.matrix import cells
from bench.plan.model import DatasetScale, Load, Matrix, Plan, Rounds, Target, Thresholds
from bench.report import csv_tables
from bench.report.formats import minutes
from bench.store import rows
from suite import catalogue
from suite.service import WARNING_MARK
from tests import databases

PAGES = sorted(
    [
        *catalogue.CHECKOUT.glob("*.md"),
        *catalogue.CHECKOUT.glob("docs/**/*.md"),
        catalogue.CHECKOUT / "results" / "README.md",
    ]
)
# Folders and files that an example in the text makes or warns of.
EXAMPLES = frozenset({"locustfiles/NAME.py", "locustfiles/newest.py", "services/asyncpg/"})
ROOMS = "bench|db|docs|locustfiles|services|suite|tests"
# Words that a reader whose English is good still has to read twice, each with what it should have been.
UNPLAIN = {
    "again": r"\banew\b",
    "no one, nothing": r"\bnobody\b",
    "anyone who, a user who": r"\bwhoever\b|\bwhomever\b",
    "repair, correct": r"\bmend(s|ed|ing)?\b",
    "the same": r"\balike\b",
    "anyway, nevertheless": r"\ball the same\b(?! (kind|user|cell))",
    "is in, is": r"\bstands? in\b",
    "supports, contradicts": r"\bspeaks? (for|against)\b",
    "receives, is given": r"\b(is|are|be) told\b",
    "distinguish": r"\b(tell|tells|told)\b[^.;|]*\b(from|apart)\b",
}
# Of these, the ones that code may not have either: in comments, docstrings and other strings of these folders.
UNPLAIN_IN_CODE = ("again", "no one, nothing", "anyone who, a user who", "repair, correct", "is in, is")
PLAIN_CODE = (
    "bench",
    "db",
    "locustfiles",
    "services",
    "suite",
)
UNIX_ACCOUNT = "nobody"
README = (catalogue.CHECKOUT / "README.md").read_text()
MAKEFILE = (catalogue.CHECKOUT / "Makefile").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(catalogue.CHECKOUT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """Relative links only; others are not followed."""
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(catalogue.CHECKOUT)))
def test_every_command_and_target_exists(page: Path) -> None:
    """`make X` and `bench X`, in code."""
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page.read_text(), re.DOTALL))
    targets = set(re.findall(r"\bmake ([a-z-]+)", code))
    assert {target for target in targets if f"\n{target}:" not in MAKEFILE} == set()
    assert set(re.findall(r"\bbench ([a-z]+)\b", code)) - set(COMMANDS) == set()


def test_the_readme_lists_every_service_and_scenario() -> None:
    """A service's line is made of its service.toml; write the one that is printed."""
    for service in catalogue.services().values():
        title = f"{service.title} on {' or '.join(service.drivers)}" if service.drivers else service.title
        mode = "async" if service.mode == "async" else "`def` endpoints on 40 threads"
        mark = f" {WARNING_MARK}" if service.warning else ""
        file = f"[`{service.name}`](services/{service.name}/app.py){mark}"
        line = f"| {file} | {service.kind or 'none'} | {title} | {mode} | {service.port} |"
        assert line in README.splitlines()
        assert not service.warning or f"\n{WARNING_MARK} `{service.name}` is a warning example: " in README
    for name in catalogue.scenarios():
        assert f"(locustfiles/{name}.py)" in README


def test_every_variable_that_make_bench_takes_is_an_option() -> None:
    """README and Makefile name the same ones."""
    named = re.search(r"`make bench` takes `([^`]+)`", README)
    assert named is not None
    for variable in named[1].replace("=", "").split():
        assert f"$(call option,{variable},--{variable.lower()})" in MAKEFILE


def test_every_key_of_a_plan_is_explained() -> None:
    """docs/plans.md has a row for each."""
    page = (catalogue.CHECKOUT / "docs" / "plans.md").read_text()
    sections: dict[str, type[BaseModel]] = {
        "matrix": Matrix,
        "load": Load,
        "rounds": Rounds,
        "database": DatasetScale,
        "verdict": Thresholds,
        "claims": Claim,
        "targets": Target,
    }
    for section, model in sections.items():
        for key in model.model_fields:
            assert f"`{section}.{key}" in page, f"{section}.{key}"


def test_claims_are_explained_with_examples_that_can_be_used() -> None:
    """Every metric and every axis has its name there, and each example is a claim."""
    page = (catalogue.CHECKOUT / "docs" / "plans.md").read_text()
    section = page[page.index("## Claims") : page.index("## Options")]
    [cell] = cells(Plan(matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"])))
    for name in (*METRICS, *(cell.axes.keys() - {"arm"})):
        assert f"`{name}`" in section, name
    examples = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", section, re.DOTALL)]
    read = [Claim.model_validate(one) for example in examples for one in example["claims"]]
    assert {len(one.selectors) for one in read} == {1, 2, 3}


def test_every_rule_of_a_verdict_is_explained_with_its_threshold() -> None:
    """By its name, and every threshold with its default."""
    page = (catalogue.CHECKOUT / "docs" / "methodology.md").read_text()
    table = page[page.index("## Verdicts") : page.index("## Comparisons")]
    for rule in verdict.INVALIDATING:
        assert f"\n| {rule.__name__.replace('_', ' ')} |" in table, rule.__name__
    for name, default in Thresholds():
        if name.startswith("expect_"):
            continue
        shown = f"{default:g} s" if name.endswith("_s") else f"{default:.3%}".rstrip("0%").rstrip(".") + "%"
        assert f"`{name}` = {shown}" in table, name


@pytest.mark.parametrize(
    ("section", "columns"),
    [
        ("summary.csv", rows.SUMMARY),
        ("comparison.csv", csv_tables.COMPARISON),
        ("ceilings.csv", csv_tables.CEILINGS),
        ("parity.csv", parity.COLUMNS),
        ("timeline.csv", timeline.COLUMNS),
    ],
)
def test_the_results_page_explains_every_column_and_no_other(section: str, columns: tuple[str, ...]) -> None:
    """By name or by pattern, such as `latency_*_ms`."""
    page = (catalogue.CHECKOUT / "results" / "README.md").read_text()
    table = page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    named = [
        name for cell in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)
    ]
    assert [name for name in named if not fnmatch.filter(columns, name)] == []
    assert [column for column in columns if not any(fnmatch.fnmatch(column, name) for name in named)] == []


def test_no_document_names_a_path_of_one_machine() -> None:
    """Nor a package index."""
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(home|root|work|Users)/", page.read_text()), page


def test_every_test_that_shows_what_a_fault_does_exists() -> None:
    """docs/reliability.md names one at least for each of its 56 faults, by file and function."""
    page = (catalogue.CHECKOUT / "docs" / "reliability.md").read_text()
    faults = re.findall(r"^\| (\d+) \|.*`tests/", page, re.MULTILINE)
    assert faults == [str(number) for number in range(1, 57)]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    missing = [test for test in named if f"def {test[1]}(" not in (catalogue.CHECKOUT / test[0]).read_text()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(catalogue.CHECKOUT)))
def test_every_path_in_code_exists(page: Path) -> None:
    """A file, a folder or a pattern of the checkout, but for an example's own and those with a placeholder."""
    spans = re.findall(r"`([^`\n]+)`", page.read_text())
    named = {path for span in spans for path in re.findall(rf"(?<![\w./])(?:{ROOMS})/[\w./*<>-]+", span)}
    paths = [path for path in named - EXAMPLES if "<" not in path]
    assert [path for path in paths if not list(catalogue.CHECKOUT.glob(path.rstrip("/.")))] == []


def test_every_function_that_the_architecture_names_exists() -> None:
    """As `file:function`, `file:Class` or `file:Class.method`."""
    page = (catalogue.CHECKOUT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([\w/]+\.py):([\w.]+)`", page)
    assert len(named) > 20
    assert [f"{path}:{name}" for path, name in named if name not in _defined(catalogue.CHECKOUT / path)] == []


def _defined(path: Path) -> set[str]:
    """Functions and classes of a file, and methods as Class.method; none where there is no such file."""
    body = ast.parse(path.read_text()).body if path.is_file() else []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = {node.name for node in body if isinstance(node, kinds)}
    for one in body:
        if isinstance(one, ast.ClassDef):
            found |= {f"{one.name}.{node.name}" for node in one.body if isinstance(node, kinds)}
    return found


def test_the_architecture_has_the_rooms_in_their_order() -> None:
    """Highest first, as import-linter has them."""
    page = (catalogue.CHECKOUT / "docs" / "architecture.md").read_text()
    rooms = re.findall(r"^\| `([\w/]+?)(?:/|\.py)` \|", page, re.MULTILINE)
    settings = tomllib.loads((catalogue.CHECKOUT / "pyproject.toml").read_text())
    every = [one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    [layers] = [one for one in every if "suite" in one]
    assert [room.replace("/", ".") for room in rooms] == layers


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(catalogue.CHECKOUT)))
def test_documents_are_plain_english(page: Path) -> None:
    """None of the words in UNPLAIN, outside of code."""
    assert _unplain(re.sub(r"```.*?```|`[^`\n]+`", "", page.read_text(), flags=re.DOTALL)) == []


@pytest.mark.parametrize("folder", PLAIN_CODE)
def test_code_is_plain_english(folder: str) -> None:
    """Its comments, docstrings and other strings; the name of the Unix account is no word."""
    paths = sorted((catalogue.CHECKOUT / folder).rglob("*.py"))
    assert paths
    found = {
        f"{path.relative_to(catalogue.CHECKOUT)}:{line}: {problem}"
        for path in paths
        for line, text in _texts(path.read_text())
        for problem in _unplain(text, UNPLAIN_IN_CODE)
    }
    assert found == set()


def test_words_are_found_in_every_kind_of_text() -> None:
    """Also where a comment or a string has several lines; names are not texts."""
    code = '"""Nobody."""\n# It is done\n# anew.\nnobody = "nobody"\nf"{nobody} for who" "ever"  # mended\n'
    found = [(line, problem) for line, text in _texts(code) for problem in _unplain(text, UNPLAIN_IN_CODE)]
    assert [(line, problem.partition(":")[0]) for line, problem in found] == [
        (1, "'Nobody'"),
        (5, "'whoever'"),
        (3, "'anew'"),
        (5, "'mended'"),
    ]


def _texts(code: str) -> Iterator[tuple[int, str]]:
    """Strings (those in f-strings, too), then comments, each with its first line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != UNIX_ACCOUNT:
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_help_texts_are_plain_english() -> None:
    """Those of every command, every make target, every scenario and every plan."""
    texts = [*_help(cli.bench, "bench"), *re.findall(r"## (.*)", MAKEFILE)]
    for scenario in catalogue.scenarios().values():
        texts += [scenario.summary, *(one.help for one in scenario.parameters.values())]
    for path in catalogue.plans().values():
        plan = tomllib.loads(path.read_text())
        texts += [plan["title"], plan["question"]]
    assert [found for text in texts for found in _unplain(text)] == []


def _help(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=above) as context:
        yield command.get_help(context)
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                if found := command.get_command(context, below):
                    yield from _help(found, below, context)


def _unplain(text: str, words: Collection[str] = UNPLAIN.keys()) -> list[str]:
    flat = " ".join(text.split())
    return [
        f"{found[0]!r}: say {better!r}"
        for better, word in UNPLAIN.items()
        if better in words
        for found in re.finditer(word, flat, re.IGNORECASE)
    ]


IN_WORDS = {"4 min": "four", "5 min": "five", "6 min": "six", "7 min": "seven", "8 min": "eight"}


def expected(plan: str) -> str:
    """How long a plan takes, as `bench list` and `--dry-run` say."""
    path = catalogue.plans()[plan]
    read = file.read(path)
    return minutes(job.decide(RunRequest(read, path, None, None)).expected_s(read.rounds.count))


def test_times_in_the_documents_are_those_that_the_suite_expects() -> None:
    """What a reader is promised before a run is what the run says when it begins."""
    studies = (catalogue.CHECKOUT / "docs" / "studies.md").read_text()
    said = re.findall(r"`make bench PLAN=(\w+)` \((\d+) minutes?", studies)
    assert len(said) >= 9
    assert [(plan, f"{number} min") for plan, number in said] == [(plan, expected(plan)) for plan, _ in said]
    default = IN_WORDS[expected("default")]
    for text in ((catalogue.CHECKOUT / "README.md").read_text(), cli.EPILOG):
        assert f"about {default} minutes" in text
    assert expected("smoke") == "1 min"


def test_the_tables_about_databases_are_those_of_the_tests() -> None:
    """`python -m tests.databases` writes them."""
    text = databases.PAGE.read_text(encoding="utf-8")
    assert databases.filled(text) == text
    shown = [one.split("::") for kind in databases.KINDS for one in kind.shown]
    assert all(kind.shown for kind in databases.KINDS)
    assert [one for one in shown if f"def {one[1]}(" not in (catalogue.CHECKOUT / one[0]).read_text()] == []
