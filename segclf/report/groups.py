"""Groups of runs that differ only in the seed, and their mean scores."""

from dataclasses import dataclass
from statistics import fmean, stdev

from segclf.corpus import BoundaryType
from segclf.experiments.leaderboard import system_labels
from segclf.report.systems import System
from segclf.scoring.metrics import SCORE_NAMES


@dataclass(frozen=True)
class Group:
    """A ready model, a run, or the runs of one system with several seeds.

    Attributes:
        label: Name of the run or the model; for several runs, their common settings and how many
            they are.
        systems: The runs, or the model.
    """

    label: str
    systems: tuple[System, ...]

    def values(self, name: str, boundary_type: BoundaryType) -> list[float]:
        """Return a score of each system, by the name of the score."""
        return [
            getattr(system.types[boundary_type].evaluation.scores, name) for system in self.systems
        ]

    def row(self, boundary_type: BoundaryType) -> dict[str, tuple[float, float | None]]:
        """Return mean and sample standard deviation (None for one system) of each score."""
        values = {name: self.values(name, boundary_type) for name in SCORE_NAMES}
        return {
            name: (fmean(own), stdev(own) if len(own) > 1 else None) for name, own in values.items()
        }


def group_by_seed(systems: list[System]) -> list[Group]:
    """Group the runs that differ only in the seed, in the order of their first runs."""
    members: dict[object, list[System]] = {}
    for system in systems:
        identity = system.run.record.identity.without_seed() if system.is_run else system.name
        key = identity, tuple(system.types)  # a run with a second head is another system
        members.setdefault(key, []).append(system)
    groups = list(members.values())
    labels = system_labels([group[0].run.record.options for group in groups])
    return [
        Group(f"{label}: {len(group)} runs" if len(group) > 1 else group[0].name, tuple(group))
        for label, group in zip(labels, groups, strict=True)
    ]
