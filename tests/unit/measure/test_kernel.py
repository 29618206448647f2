"""Control groups: how long a CPU limit held them up, whether all of them can be seen."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.measure.watch import kernel

HELD = "usage_usec 5\nnr_throttled 3\nthrottled_usec {}\n"
FREE = "usage_usec 5\n"
OF_VERSION_1 = "nr_periods 9\nnr_throttled 3\nthrottled_time {}\n"


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of control groups; the process has none yet."""
    monkeypatch.setattr(kernel, "PROC", tmp_path / "proc")
    monkeypatch.setattr(kernel, "GROUPS", tmp_path / "cgroup")
    return tmp_path / "cgroup"


def written(groups: Path, own: str, files: Mapping[str, str]) -> None:
    """What /proc/self/cgroup says, and files below the folder of control groups."""
    under = {f"cgroup/{name}": text for name, text in files.items()}
    for name, text in {"proc/self/cgroup": own, **under}.items():
        path = groups.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_every_group_from_ours_to_the_first_is_read(groups: Path) -> None:
    """A limit of any of them holds us up; the first one has none. Version 2."""
    files = {"a/b/cpu.stat": HELD.format(1_500_000), "a/cpu.stat": HELD.format(9_000_000), "cpu.stat": FREE}
    written(groups, "0::/a/b\n", {**files, "cgroup.controllers": "cpu\n"})
    assert kernel.throttled_s() == {groups / "a/b": 1.5, groups / "a": 9.0}
    assert not kernel.enclosed()


def test_a_container_sees_its_own_group_as_the_first(groups: Path) -> None:
    """Only the first of all has no type. What limits the others have cannot be seen."""
    written(groups, "0::/\n", {"cpu.stat": HELD.format(250_000), "cgroup.controllers": "", "cgroup.type": "domain\n"})
    assert kernel.throttled_s() == {groups: 0.25}
    assert kernel.enclosed()


@pytest.mark.parametrize("own", ["5:cpu,cpuacct:/docker/abc\n0::/docker/abc\n", "5:cpu,cpuacct:/../abc\n"])
def test_version_1_names_its_hierarchy(groups: Path, own: str) -> None:
    """In a container the path is of another place, and the first group in sight is its own."""
    written(groups, own, {"cpu,cpuacct/cpu.stat": OF_VERSION_1.format(2_000_000_000)})
    assert kernel.throttled_s() == {groups / "cpu,cpuacct": 2.0}
    assert kernel.enclosed()
    written(groups, own, {"cpu,cpuacct/release_agent": ""})
    assert not kernel.enclosed()


def test_no_group_without_a_limit_is_held_up(groups: Path) -> None:
    """That is known; nothing is where no file can be read."""
    written(groups, "0::/a\n", {"a/cpu.stat": FREE, "cpu.stat": FREE, "cgroup.controllers": ""})
    assert kernel.throttled_s() == {}
    written(groups, "0::/a\n", {})
    (groups / "a/cpu.stat").unlink()
    assert kernel.throttled_s() == {}
    (groups / "cpu.stat").unlink()
    assert kernel.throttled_s() is None
    assert not kernel.enclosed()


def test_a_system_without_control_groups_says_nothing(groups: Path) -> None:
    """None is not 0."""
    assert not groups.exists()
    assert kernel.throttled_s() is None
    assert not kernel.enclosed()
