"""The harness: measures plans, analyses and reports what was measured."""

import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent

# A folder of PYTHONPATH comes before an installed package: its own `db` would be imported in place of ours.
if (_CHECKOUT / "pyproject.toml").is_file():
    sys.path[:] = [str(_CHECKOUT), *(one for one in sys.path if one != str(_CHECKOUT))]
