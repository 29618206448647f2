"""What the documents name exists."""

import fnmatch
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from bench.analysis import parity, rows, verdict
from bench.analysis.recorded import timeline
from bench.cli import COMMANDS
from bench.plan.claims import METRICS, Claim
from bench.plan.matrix import cells
from bench.plan.model import Dataset, Load, Matrix, Plan, Rounds, Target, Thresholds
from bench.report import csv_tables
from suite import catalogue

PAGES = sorted(
    [
        *catalogue.CHECKOUT.glob("*.md"),
        *catalogue.CHECKOUT.glob("docs/**/*.md"),
        catalogue.CHECKOUT / "results" / "README.md",
    ]
)
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
    """With its file, and a service with its port."""
    for service in catalogue.services().values():
        assert f"(services/{service.name}/app.py)" in README
        assert f"| {service.port} |" in README
    for name in catalogue.scenarios():
        assert f"(locustfiles/{name}.py)" in README


def test_every_variable_that_make_bench_takes_is_an_option() -> None:
    """README and Makefile name the same ones."""
    named = re.search(r"`make bench` takes `([^`]+)`", README)
    assert named is not None
    for variable in named[1].replace("=", "").split():
        assert f"$(if $({variable}),--{variable.lower()} $({variable}))" in MAKEFILE


def test_every_key_of_a_plan_is_explained() -> None:
    """docs/plans.md has a row for each."""
    page = (catalogue.CHECKOUT / "docs" / "plans.md").read_text()
    sections: dict[str, type[BaseModel]] = {
        "matrix": Matrix,
        "load": Load,
        "rounds": Rounds,
        "database": Dataset,
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
        if name == "expect_failures":
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
    """docs/reliability.md names one at least for each of its 40 faults, by file and function."""
    page = (catalogue.CHECKOUT / "docs" / "reliability.md").read_text()
    faults = re.findall(r"^\| (\d+) \|.*`tests/", page, re.MULTILINE)
    assert faults == [str(number) for number in range(1, 41)]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    missing = [test for test in named if f"def {test[1]}(" not in (catalogue.CHECKOUT / test[0]).read_text()]
    assert missing == []
