"""Scenarios from outside the tree: their names, and every reason to refuse one."""

from pathlib import Path
from typing import Any

import pytest

from bench.plan import file, matrix, outside
from suite import catalogue
from suite.errors import PlanError
from tests.unit.plan.plan_of import MINE, MINIMAL, cells_of, refusal_of, written

OWN = '''"""The newest users."""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("list_users",)
PARAMETERS = {"pages": {"type": "int", "default": 3, "low": 1, "high": 10, "help": "newest: how many pages."}}


class Newest(ServiceUser):
    @task
    def read(self) -> None:
        self.list_any_page()
'''
PLAN = MINIMAL.replace('"point_read"', '"newest.py"')


def own(folder: Path, name: str = "newest.py", text: str = OWN) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_a_plan_names_files_beside_names_and_has_names(tmp_path: Path) -> None:
    """The path starts at the plan's folder. Cells have the operations and parameters of the file."""
    path = own(tmp_path / "below")
    text = MINIMAL.replace('"point_read"', '"point_read", "below/newest.py"') + "[matrix.parameters]\npages = [2, 5]\n"
    reading = file.understood(written(tmp_path, text))
    assert reading.plan.matrix.scenarios == ["point_read", "newest"]
    assert {name: one.path for name, one in reading.outside.items()} == {"newest": path}
    found = {cell.slug: cell for cell in matrix.cells(reading.plan, reading.outside)}
    assert list(found) == [
        "asyncpg_async-point_read", "asyncpg_async-newest-pages_2", "asyncpg_async-newest-pages_5",
    ]  # fmt: skip
    cell = found["asyncpg_async-newest-pages_2"]
    assert (cell.scenario, cell.operations, cell.parameters) == ("newest", ("list_users",), (("pages", 2),))
    assert cell.described == reading.outside["newest"]
    assert "outside" not in cell.as_dict()
    assert found["asyncpg_async-point_read"].described == catalogue.scenario("point_read")


def test_one_file_may_be_written_without_a_list(tmp_path: Path) -> None:
    """As every axis with one value."""
    own(tmp_path)
    reading = file.understood(written(tmp_path, PLAN.replace('["newest.py"]', '"newest.py"')))
    assert (reading.plan.matrix.scenarios, list(reading.outside)) == (["newest"], ["newest"])


def test_an_options_path_starts_at_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan's own files are not read where an option replaces them."""
    path = own(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    gone = written(tmp_path, MINIMAL.replace('"point_read"', '"gone.py"'))
    reading = file.understood(gone, {"scenarios": ["crud", "./newest.py"]})
    assert reading.plan.matrix.scenarios == ["crud", "newest"]
    assert reading.plan.title == "mine plan, overridden: scenarios crud, newest"
    assert reading.outside["newest"].path == path


def test_the_trees_own_file_is_the_trees_scenario(tmp_path: Path) -> None:
    """By path as by name."""
    path = catalogue.scenario("crud").path
    reading = file.understood(written(tmp_path, MINIMAL), {"scenarios": [str(path)]})
    assert (reading.plan.matrix.scenarios, reading.outside) == (["crud"], {})


def test_the_plan_of_a_run_means_the_runs_copies(tmp_path: Path) -> None:
    """So that it can be run again where the file has gone or is another one by now."""
    own(tmp_path, text=OWN.replace("The newest users.", "Another one."))
    path = own(tmp_path / outside.COPIES)
    (tmp_path / "plan.json").write_text("{}")
    for entry in ("newest.py", "../elsewhere/newest.py", "/gone/newest.py"):
        reading = file.understood(written(tmp_path, PLAN.replace("newest.py", entry)))
        assert reading.outside["newest"].path == path


REFUSED = [
    ("gone.py", None, ["there is no file", "gone.py'; check the path of the scenario, which starts at the folder of"]),
    ("crud.py", OWN, ["crud.py has the name of the scenario locustfiles/crud.py; rename the file, such as my_crud.py"]),
    ("my-own.py", OWN, ["my-own.py cannot name a scenario: a name has letters, digits and _", "rename the file"]),
    ("_own.py", OWN, ["_own.py cannot name a scenario", "begins with a letter"]),
    ("json.py", OWN, ["json.py has the name of a Python module", "rename the file, such as my_json.py"]),
    ("polars.py", OWN, ["polars.py has the name of a Python module"]),
    ("own.py", "x = 1\n", ["own.py: OPERATIONS is missing", "see docs/adding-a-service.md"]),
    ("own.py", "def (", ["own.py, line 1: not Python", "see docs/adding-a-service.md"]),
    ("own.py", 'OPERATIONS = ("read_user",)\n', ["own.py: no class inherits from ServiceUser"]),
]


@pytest.mark.parametrize(("name", "text", "words"), REFUSED)
def test_what_cannot_be_a_scenario_is_refused(tmp_path: Path, name: str, text: str | None, words: list[str]) -> None:
    """With plan, file and remedy."""
    if text is not None:
        own(tmp_path, name, text)
    said = refusal_of(tmp_path, PLAN.replace("newest.py", name))
    assert said.startswith(f"{tmp_path / 'mine.toml'}: matrix.scenarios: ")
    for one in words:
        assert one in said


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """Both are named; the same file twice is the axis's mistake."""
    own(tmp_path)
    own(tmp_path / "other")
    said = refusal_of(tmp_path, PLAN.replace('"newest.py"', '"newest.py", "other/newest.py"'))
    assert said.endswith("newest.py and other/newest.py have the same name; rename one of the files")
    assert "each only once" in refusal_of(tmp_path, PLAN.replace('"newest.py"', '"newest.py", "newest.py"'))


def test_an_unknown_name_says_that_a_file_would_do(tmp_path: Path) -> None:
    """A name without .py is a name."""
    said = refusal_of(tmp_path, MINIMAL.replace("point_read", "newest"))
    assert "there is no scenario 'newest'" in said
    assert said.endswith("or name a file: path/to/my_scenario.py")


def test_parameters_and_operations_are_checked_as_the_trees(tmp_path: Path) -> None:
    """A value that the file does not allow, and a landmark that does not answer."""
    own(tmp_path)
    said = refusal_of(tmp_path, PLAN + "[matrix.parameters]\npages = 11\n")
    assert said.endswith("matrix.parameters.pages: 11 is not a whole number from 1 to 10 (scenario newest)")
    own(tmp_path, text=OWN.replace("list_users", "create_user"))
    text = PLAN + '[rounds]\nonce = ["no_database"]\n'
    reading = file.understood(written(tmp_path, text))
    assert [str(one) for one in reading.remarks] == [
        "left out of rounds.once, because it does not answer the requests: no_database under newest"
    ]
    own(tmp_path, text=OWN.replace("list_users", "search"))
    assert list(cells_of(tmp_path, f"{PLAN}{MINE}")) == ["asyncpg_async", "mine"]


def test_the_web_ui_offers_one_class_of_a_name_and_one_field(tmp_path: Path) -> None:
    """It has every scenario of the tree beside the file."""
    [fine] = outside.of_options(str(own(tmp_path)), "--scenario").values()
    outside.check_beside_all(fine)
    changes = {
        "class PointRead: locustfiles/point_read.py": OWN.replace("class Newest", "class PointRead"),
        "PARAMETERS.count: locustfiles/read_many.py": OWN.replace('"pages"', '"count"'),
    }
    for words, text in changes.items():
        [one] = outside.of_options(str(own(tmp_path, text=text)), "--scenario").values()
        with pytest.raises(PlanError, match=words):
            outside.check_beside_all(one)


def test_only_names_are_left_of_files() -> None:
    """A plan is compared with what was run by its names; wrong values stay as they are."""
    assert outside.with_names({"matrix": {"scenarios": ["a/newest.py", "crud", 3]}}) == {
        "matrix": {"scenarios": ["newest", "crud", 3]}
    }
    assert outside.with_names({"matrix": {"scenarios": "newest.py"}}) == {"matrix": {"scenarios": "newest"}}
    unusable: list[dict[str, Any]] = [{}, {"matrix": 3}, {"matrix": {"services": []}}]
    for wrong in unusable:
        assert outside.with_names(wrong) == wrong
