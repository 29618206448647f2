"""Parses Prometheus' text format, the format of GET /metrics."""

from prometheus_client.parser import text_string_to_metric_families


def totals(text: str) -> dict[str, float]:
    """The value of each metric, by name. Samples with the same name (one for each worker) are summed.

    Raises ValueError for any other format.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found
