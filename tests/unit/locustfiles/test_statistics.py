"""Locust's statistics counted from samples are those that its own events give."""

import json
import subprocess
import sys

from suite import catalogue

# In a process of its own: importing locust patches the standard library.
COMPARE = """
import json, random
from locust.stats import RequestStats
from locustfiles._samples import SampleRecorder
from locustfiles._statistics import count

chance, recorder = random.Random(1), SampleRecorder()
ours, theirs = RequestStats(), RequestStats()
for number in range(5_000):
    operation, method = chance.choice([("read_user", "GET"), ("create_user", "POST")])
    latency_ns = int(chance.choice([2e5, 5e7, 6e8, 4e9, 3e10]) * (0.5 + chance.random()))
    error = chance.choice(["", "", "", "status 500 instead of 200", "wrong body"])
    recorder.add(operation, method, number, number + 10, number + latency_ns, number % 300, 200, error)
    theirs.log_request(method, operation, latency_ns / 1e6, number % 300)
    if error:
        theirs.log_error(method, operation, error)
    if number % 1_000 == 999:
        count(ours, recorder.take())
recorder.add("", "", 5, 5, 5, 0, 0, "missed: no user was free")
count(ours, recorder.take())

def told(stats):
    entries = [stats.total, *(entry for _, entry in sorted(stats.entries.items()))]
    return [
        [
            [entry.method, entry.name, entry.num_requests, entry.num_failures, entry.total_content_length],
            [round(value, 3) for value in (entry.min_response_time, entry.max_response_time)],
            round(entry.total_response_time), sorted(entry.response_times.items()),
            sum(entry.num_reqs_per_sec.values()),
        ]
        for entry in entries
    ] + [sorted((error.method, error.name, error.error, error.occurrences) for error in stats.errors.values())]

print(json.dumps([told(ours), told(theirs)]))
"""


def test_counted_in_bulk_is_counted_one_by_one() -> None:
    """Requests, failures, times, sizes, Locust's own histogram, errors by name; what was never sent is left out."""
    command = [sys.executable, "-c", COMPARE]
    answer = subprocess.run(command, cwd=catalogue.CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr
    ours, theirs = json.loads(answer.stdout)
    assert ours == theirs
    assert ours[0][0][2] == 5_000
