"""In what two runs differ beside their figures: what forbids a comparison, and what may explain a change. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.store.csv_reading import plain
from suite.arrival import Arrival

# What has to be equal, by the name that a message gives it.
MACHINE = ("machine.cpu", "machine.cpus", "machine.architecture")
DATA = ("database.scale", "database.dataset_version", "database.checksum")
MEMORY, SAME_MEMORY = "machine.memory_gib", 0.1
# A plan's words, what it claims, how often it measures and how long it expects to take change no figure; data is
# compared by its checksum.
NOT_OF_A_PLAN = ("title", "question", "claims", "rounds.", "database.", "load.batch_s")
# An open load's rate is compared cell by cell: a plan with rate_share finds another one in every run.
OF_CELLS = ("load.rate", "load.rate_share")
# What differs in every run, or follows from something else that is named.
UNIMPORTANT = (
    "health.nonce",
    "database.server",
    "database.process.pid",
    "database.process.poolers",
    "server_version_num",
    "git.modified",
    "variables.left_out",
    *DATA,
    *MACHINE,
)
# What else the machine did before a run measured: each slice has its own figures of that.
BEFORE_MEASURING = ("busy.",)
MOST_OF_A_GROUP = 12
NOTHING = "(not there)"


@dataclass(frozen=True)
class RunConditions:
    """environment.json and the plan of plan.json, whole; None where a run has none that can be read."""

    environment: Mapping[str, Any] | None
    plan: Mapping[str, Any] | None


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as `a.b.c` keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def obstacles(old: RunConditions, new: RunConditions) -> tuple[str, ...]:
    """Why two runs should not be compared: machine, data or plan are not the same, or not known to be."""
    found = []
    if old.environment is None or new.environment is None:
        found.append(f"machine and data: unknown for the {_missing(old.environment, new.environment)} run")
    else:
        before, after = flat(old.environment), flat(new.environment)
        found += _differences(before, after, [*MACHINE, *DATA])
        if not _alike(before.get(MEMORY), after.get(MEMORY)):
            found.append(_difference(MEMORY, before, after))
    if old.plan is None or new.plan is None:
        found.append(f"plan: unknown for the {_missing(old.plan, new.plan)} run")
    else:
        before, after = (flat(_named(plan)) for plan in (old.plan, new.plan))
        open_ = before.get("load.arrival") == after.get("load.arrival") == Arrival.OPEN
        beside = (*NOT_OF_A_PLAN, *(OF_CELLS if open_ else ()))
        keys = [key for key in dict.fromkeys((*before, *after)) if not _is_one_of(key, beside)]
        found += [f"plan: {text}" for text in _differences(before, after, keys)]
    return tuple(found)


def _named(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """With targets by name: where they answered is no other plan."""
    return {**plan, "targets": [str(one.get("name", "")) for one in _targets(plan)]}


def _targets(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    noted = plan.get("targets", ())
    return [one for one in noted if isinstance(one, Mapping)] if isinstance(noted, list) else []


def candidates(old: RunConditions, new: RunConditions) -> dict[str, tuple[str, ...]]:
    """Differences that may explain a change, by group; at most MOST_OF_A_GROUP in each, and then how many more."""
    before, after = (flat(facts.environment or {}) for facts in (old, new))
    groups: dict[str, dict[str, None]] = {}
    for key in dict.fromkeys((*before, *after)):
        other_memory = key == MEMORY and not _alike(before.get(key), after.get(key))
        skipped = other_memory or key.endswith(UNIMPORTANT) or _is_one_of(key, BEFORE_MEASURING)
        if skipped or before.get(key) == after.get(key) or _is_of_one_service(key, old, new):
            continue
        group, name = _grouped(key)
        text = f"{name}: {_shown(before.get(key, NOTHING))} -> {_shown(after.get(key, NOTHING))}"
        groups.setdefault(group, {})[text] = None
    modified = [bool(flat(facts.environment or {}).get("git.modified")) for facts in (old, new)]
    names = [name for name, is_modified in zip(("old", "new"), modified, strict=True) if is_modified]
    if names:
        text = f"files differ from the commit: {' and '.join(names)}"
        groups.setdefault("git commit", {})[text] = None
    return {group: _short(list(lines)) for group, lines in groups.items()}


def _grouped(key: str) -> tuple[str, str]:
    """A difference's group, and its name there."""
    parts = key.split(".")
    if parts[0] == "versions":
        return "library versions", key.partition(".")[2]
    if parts[0] == "services" and parts[2:4] in (["health", "versions"], ["health", "builds"]):
        return "library versions", ".".join(parts[4:])  # the same line for every service that has it
    if parts[:2] == ["database", "settings"]:
        return "PostgreSQL settings", ".".join(parts[2:])
    if parts[0] == "git":
        return "git commit", "commit"
    if parts[0] in {"machine", "placement"}:
        return "machine", key if parts[0] == "placement" else ".".join(parts[1:])
    if parts[0] == "scenarios":
        group, key = "scenario files", f"{parts[1]}.py"
    else:
        group = parts[0] if parts[0] in {"services", "code"} else "other"
    return group, key.removeprefix(f"{group}.")


def _is_of_one_service(key: str, old: RunConditions, new: RunConditions) -> bool:
    """Whether it belongs to a service that one run does not have."""
    kind, _, rest = key.partition(".")
    name = rest.partition(".")[0]
    return kind == "services" and any(name not in (facts.environment or {}).get("services", {}) for facts in (old, new))


def _is_one_of(key: str, names: Iterable[str]) -> bool:
    return any(key == name or (name.endswith(".") and key.startswith(name)) for name in names)


def _missing(old: object, new: object) -> str:
    return " and ".join(name for name, one in (("old", old), ("new", new)) if one is None)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], keys: list[str]) -> list[str]:
    return [_difference(key, old, new) for key in keys if old.get(key) != new.get(key)]


def _difference(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return f"{key}: {_shown(old.get(key, NOTHING))} -> {_shown(new.get(key, NOTHING))}"


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return plain(text if len(text) <= 60 else f"{text[:57]}...")


def _alike(old: object, new: object) -> bool:
    """Whether two sizes of memory are one machine's: the kernel keeps a little more or less of it."""
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return old == new
    return abs(new - old) <= SAME_MEMORY * max(old, new)


def _short(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - MOST_OF_A_GROUP
    return (*lines[:MOST_OF_A_GROUP], f"and {more} more") if more > 0 else tuple(lines)
