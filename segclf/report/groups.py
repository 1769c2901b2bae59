"""Groups of runs that differ only in the seed, and their mean scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from segclf.corpus import BoundaryType
from segclf.experiments.leaderboard import shown_options, system_labels
from segclf.report.systems import System
from segclf.scoring.metrics import SCORE_NAMES


@dataclass(frozen=True)
class Group:
    """A ready model, a run, or the runs of one system with several seeds.

    Attributes:
        label: Name of the run or the model; for several runs, their common settings and
            their number.
        systems: The runs, or the model.
    """

    label: str
    systems: tuple[System, ...]

    def values(self, name: str, boundary_type: BoundaryType) -> list[float]:
        """Return the score `name` of each system."""
        return [
            getattr(system.types[boundary_type].evaluation.scores, name) for system in self.systems
        ]

    def row(self, boundary_type: BoundaryType) -> dict[str, tuple[float, float | None]]:
        """Return mean and sample standard deviation (None for one system) of each score by name."""
        values = {name: self.values(name, boundary_type) for name in SCORE_NAMES}
        return {
            name: (fmean(scores), stdev(scores) if len(scores) > 1 else None)
            for name, scores in values.items()
        }


def group_by_seed(systems: list[System]) -> list[Group]:
    """Group the runs that differ only in the seed, in the order of their first runs."""
    members: dict[object, list[System]] = {}
    for system in systems:
        identity = system.run.record.identity.without_seed() if system.is_run else system.name
        key = identity, tuple(system.types)  # a run with a second head is another system
        members.setdefault(key, []).append(system)
    groups = list(members.values())
    labels = iter(_labels([group[0] for group in groups if len(group) > 1]))
    return [
        Group(
            f"{next(labels)}: {len(group)} runs" if len(group) > 1 else group[0].name, tuple(group)
        )
        for group in groups
    ]


def _labels(systems: Sequence[System]) -> list[str]:
    """Name systems by their settings, so that all names differ."""
    labels = system_labels([shown_options(system.run.record) for system in systems])
    encoders = [system.run.encoder for system in systems]
    names = [" ".join(filter(None, (encoder.name, encoder.pooling))) for encoder in encoders]
    if len(set(names)) > 1:
        labels = [f"{label}, {name}" for label, name in zip(labels, names, strict=True)]
    return [
        label if labels.count(label) == 1 else f"{label}, {system.name}"
        for label, system in zip(labels, systems, strict=True)
    ]
