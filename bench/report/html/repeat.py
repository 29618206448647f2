"""The command that repeats a run: its plan, and every option that was not as the plan has it. Pure."""

import shlex
from collections.abc import Mapping
from types import MappingProxyType

from bench.plan.file import OPTIONS
from bench.plan.model import Plan
from suite.arrival import Arrival


def command(
    plan_path: str,
    written: Plan,
    used: Plan,
    seed: int | None,
    *,
    private: bool,
    copies: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """For a shell. `written` is the plan file, `used` the plan that was run; `private`: on the harness's PostgreSQL.

    `copies` has the run's copy of each scenario from outside the tree.
    """
    words = ["bench", "run", "--plan", plan_path]
    for option, (section, key) in OPTIONS.items():
        if option == "seed":  # the one that was drawn, and not the plan's
            continue
        as_written, as_used = (getattr(getattr(plan, section), key) for plan in (written, used))
        found = key == "rate" and used.load.arrival == Arrival.OPEN and written.load.rate_share is not None
        if as_written != as_used and as_used is not None and not found:
            named = copies if option == "scenarios" else {}
            value = (
                ",".join(named.get(str(one), str(one)) for one in as_used)
                if isinstance(as_used, list)
                else f"{as_used}"
            )
            words += [f"--{option.replace('_', '-')}", value]
    for target in used.targets:
        if target.url not in {one.url for one in written.targets if one.name == target.name}:
            words += ["--target", f"{target.name}={target.url}"]
    if seed is not None:
        words += ["--seed", str(seed)]
    return shlex.join(words) + ("" if private else " --database-url URL")
