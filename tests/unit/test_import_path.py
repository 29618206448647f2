"""Whose packages are imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite import catalogue

PACKAGES = ("db", "services", "suite", "locustfiles")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_folder_of_pythonpath_with_the_same_name_is_not_ours(tmp_path: Path, name: str) -> None:
    """The user's own project may have a package of any of our names, and PYTHONPATH may lead to it."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    code = f"import bench, {name}; print({name}.__path__[0])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(catalogue.CHECKOUT / name), done.stderr
