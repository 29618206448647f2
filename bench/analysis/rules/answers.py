"""Rules: the service did the work that its answers stand for."""

from bench.analysis.evidence import Evidence
from bench.plan.model import Thresholds


def failed(seen: Evidence, limits: Thresholds) -> str:
    """Too many requests failed: failing fast is no speed."""
    if limits.expect_failures or not seen.requests or seen.failures <= limits.failures * seen.requests:
        return ""
    share = f"{seen.failures / seen.requests:.2%}, more than {limits.failures:.1%}"
    return f"{seen.failures} of {seen.requests} requests failed ({share})"


RULES = (failed,)
