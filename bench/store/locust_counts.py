"""Reads Locust's own count of requests."""

import json
from pathlib import Path


def requests_in(path: Path) -> int:
    """The number of requests in the file of Locust's --json-file, including failed ones.

    Raises OSError, ValueError, TypeError or KeyError if the file cannot be read.
    """
    return sum(int(entry["num_requests"]) for entry in json.loads(path.read_text(encoding="utf-8")))


def counted(path: Path) -> int | None:
    """As `requests_in`, but None if the file cannot be read."""
    try:
        return requests_in(path)
    except (OSError, ValueError, TypeError, KeyError):
        return None
