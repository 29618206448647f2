"""results/index.html: all runs, newest first, from the small files of each."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.verdict import Judgement
from bench.plan.matrix import AA
from bench.plan.model import Thresholds
from bench.report.answer import NO_LATENCY
from bench.report.formats import figure_of
from bench.report.html.page import counted, environment
from bench.store import csv_reading
from bench.store.files import json_object
from bench.store.runs import LATEST
from suite.arrival import Arrival
from suite.catalogue import marked
from suite.errors import ResultsError

UNKNOWN = "plan unknown"
RANKED = {Judgement.VALID, Judgement.FLOOR}


@dataclass(frozen=True)
class Entry:
    """A run. `link` leads to its report, and is empty where it has none."""

    name: str
    at: str
    plan: str
    state: str
    machine: str
    answers: tuple[str, ...]
    verdicts: str
    link: str


def entries(folder: Path) -> list[Entry]:
    """Every run in a folder; one whose files cannot be read is shown with what can be."""
    runs = [path.parent for path in folder.glob("*/status.json") if path.parent.name != LATEST]
    return sorted((_entry(run) for run in runs), key=lambda one: (one.at, one.name), reverse=True)


def page(found: Sequence[Entry]) -> str:
    """The whole document: a table for each plan on each machine, in the order of the newest run of each."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for one in found:
        groups.setdefault((one.plan or UNKNOWN, one.machine), []).append(one)
    return environment().get_template("index.html").render(count=len(found), groups=groups)


def _entry(run: Path) -> Entry:
    try:
        return _read(run)
    except (ResultsError, AttributeError, KeyError, TypeError, ValueError):
        link = f"{run.name}/report.html" if (run / "report.html").exists() else ""
        return Entry(run.name, "", "", "its files are damaged", "", (), "", link)


def _read(run: Path) -> Entry:
    status, plan, seen = (json_object(run / name) or {} for name in ("status.json", "plan.json", "environment.json"))
    rows = _summary(run / "summary.csv")
    landmarks = set(plan.get("plan", {}).get("rounds", {}).get("once", ()))
    names = [row.get("verdict", "") for row in rows]
    machine = seen.get("machine", {})
    return Entry(
        name=run.name,
        at=str(status.get("at", ""))[:16].replace("T", " "),
        plan=str(plan.get("plan", {}).get("title", "") or plan.get("name", "")),
        state=str(status.get("state", "")),
        machine=f"{machine['cpu']}, {machine['cpus']} CPUs" if "cpu" in machine and "cpus" in machine else "",
        answers=tuple(_answers([row for row in rows if _is_ranked(row, landmarks)])),
        verdicts=counted(names),
        link=f"{run.name}/report.html" if (run / "report.html").exists() else "",
    )


def _is_ranked(row: Mapping[str, str], landmarks: Set[str]) -> bool:
    """Neither a landmark, which is measured once, nor the second arm of an A/A comparison."""
    return row.get("service") not in landmarks and f"arm={AA}" not in row.get("parameters", "").split(";")


def _answers(rows: Sequence[dict[str, str]]) -> list[str]:
    """The best cell of each scenario, with its interval where it has one."""
    found = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        mine = [row for row in rows if row["scenario"] == scenario and row["verdict"] in RANKED]
        mine = [row for row in mine if row["throughput_rps"]]
        if not mine:
            found.append(f"{scenario}: no cell is ranked")
            continue
        if mine[0]["arrival"] == Arrival.OPEN:
            timed = [row for row in mine if row["latency_p50_ms"]]
            tail = "latency_p99_ms" if timed and all(row["latency_p99_ms"] for row in timed) else "latency_p50_ms"
            best = min(timed, key=lambda row: (_fails(row), float(row[tail])), default=None)
            shown = (
                f"{marked(best['service'])}, {tail.split('_')[1]} {float(best[tail]):,.1f} ms" if best else NO_LATENCY
            )
            found.append(f"{scenario}: {shown}")
            continue
        best = max(mine, key=lambda row: float(row["throughput_rps"]))
        low, high = best["throughput_ci_low"], best["throughput_ci_high"]
        interval = f" ({figure_of(float(low))} to {figure_of(float(high))})" if low and high else ""
        rps = figure_of(float(best["throughput_rps"]))
        users = f"{best['users']} user{'' if best['users'] == '1' else 's'}"
        found.append(f"{scenario}: {marked(best['service'])}, {users}, {rps} requests/s{interval}")
    return found


def _fails(row: Mapping[str, str]) -> bool:
    """Whether it failed more requests than a plan tolerates by default: those that answer come before it."""
    return float(row.get("failure_ratio") or 0) > Thresholds().failures


def _summary(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    rows = [line.values for line in csv_reading.read(path, (), "a summary.csv", ended=True)]
    needed = {"scenario", "verdict", "throughput_rps", "arrival", "operation", "users", "latency_p99_ms"}
    return [row for row in rows if needed <= row.keys() and row["operation"] == "all"]
