"""What Locust itself counted, held against the samples of the same load."""

import json
from pathlib import Path


def requests_in(path: Path) -> int:
    """All requests that Locust's own statistics counted, failed ones included, from the file of its --json-file.

    Raises OSError, ValueError, TypeError or KeyError where that cannot be read.
    """
    return sum(int(entry["num_requests"]) for entry in json.loads(path.read_text(encoding="utf-8")))


def difference(path: Path, samples: int) -> str:
    """In words, where Locust counted another number of requests than there are samples; empty where nobody knows."""
    try:
        count = requests_in(path)
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    if count == samples:
        return ""
    return f"Locust itself counted {count:,} requests, and there are {samples:,} samples: the samples are what counts"
