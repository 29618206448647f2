"""Who may look into a service."""

import os

import pytest

from services import tracing


def test_only_who_is_named_may_trace_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name nothing is asked of the kernel. Where it has no Yama, the call changes nothing."""
    monkeypatch.delenv("PROFILED_BY", raising=False)
    tracing.allow()
    monkeypatch.setenv("PROFILED_BY", str(os.getpid()))
    tracing.allow()
