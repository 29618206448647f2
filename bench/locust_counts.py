"""What Locust itself counted, held against the samples of the same load."""

import json
from pathlib import Path


def counted(path: Path) -> int | None:
    """All requests in the file that Locust's --json-file made; None where there is none that can be read."""
    try:
        return sum(int(entry["num_requests"]) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def difference(path: Path, samples: int) -> str:
    """In words, where Locust counted another number of requests than there are samples."""
    count = counted(path)
    if count is None or count == samples:
        return ""
    return f"Locust itself counted {count:,} requests, and there are {samples:,} samples: the samples are what counts"
