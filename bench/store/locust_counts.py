"""What Locust itself counted of a load."""

import json
from pathlib import Path


def requests_in(path: Path) -> int:
    """All requests that Locust's own statistics counted, failed ones included, from the file of its --json-file.

    Raises OSError, ValueError, TypeError or KeyError where that cannot be read.
    """
    return sum(int(entry["num_requests"]) for entry in json.loads(path.read_text(encoding="utf-8")))


def counted(path: Path) -> int | None:
    """The same; None where that cannot be read."""
    try:
        return requests_in(path)
    except (OSError, ValueError, TypeError, KeyError):
        return None
