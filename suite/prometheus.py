"""Prometheus' text format, as services answer GET /metrics in it."""

from prometheus_client.parser import text_string_to_metric_families


def totals(text: str) -> dict[str, float]:
    """The value of each metric by its name; where several samples have one name (one a worker), their sum.

    Raises ValueError for what is not of this format.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found
