"""What disturbances cost a cell: rounds and slices that do not count, and who disturbed them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.evidence import Evidence
from bench.analysis.recorded import foreign
from bench.analysis.rules.slices import summed


@dataclass(frozen=True)
class Lost:
    """`rounds` are the numbers of those that are left out; slices are those of all rounds.

    `repeated` is how many slices were measured beyond those that the plan has. `others_s` has the seconds of who
    disturbed them, by name.
    """

    rounds: tuple[int, ...] = ()
    slices: int = 0
    slices_left_out: int = 0
    repeated: int = 0
    others_s: Mapping[str, float] = field(default_factory=dict, hash=False)


def of(measurements: Sequence[Evidence], left_out: Collection[int]) -> Lost:
    """Of a cell's measurements, of which those with these numbers are left out."""
    everywhere = [one.undisturbed + len(one.slices_left_out) for one in measurements]
    rounds = [one for number, one in enumerate(measurements, 1) if number in left_out]
    whole = [one.machine.others_s for one in rounds if one.machine and not one.slices_planned]
    parts = [part.others_s for one in measurements for part in one.slices_left_out]
    return Lost(
        rounds=tuple(sorted(left_out)),
        slices=sum(everywhere),
        slices_left_out=sum(len(one.slices_left_out) for one in measurements),
        repeated=sum(
            max(0, count - one.slices_planned) for one, count in zip(measurements, everywhere, strict=True) if count
        ),
        others_s=summed([*whole, *parts]),
    )


def sentence(each: Sequence[tuple[str, Lost]]) -> str:
    """What cells lost, by their slugs, in one line; empty where it was nothing."""
    left_out, slices, repeated = (
        sum(getattr(one, name) for _, one in each) for name in ("slices_left_out", "slices", "repeated")
    )
    said = []
    if left_out:
        again = f", {repeated:,} {'was' if repeated == 1 else 'were'} measured again" if repeated else ""
        said.append(f"{left_out:,} of {slices:,} slices{again}")
    rounds = [f"{slug} round {number}" for slug, one in each for number in one.rounds]
    if rounds:
        said.append(f"{len(rounds)} round{'s'[: len(rounds) > 1]} ({', '.join(rounds)})")
    if not said:
        return ""
    who = foreign.busiest(summed(one.others_s for _, one in each), 0.0)
    return f"disturbed and left out: {'; '.join(said)}{f'; seen in them: {who}' if who else ''}"
