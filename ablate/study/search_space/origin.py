"""The facts about a search that the plan of its finalists keeps for reports."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SEARCHED = "+search"
"""The end of the profile that the finalists of a search are stored under, next to the study's own rows."""


@dataclass(frozen=True)
class SearchedDimension:
    """A dimension of the search space: a range, or some choices."""

    name: str
    """The factor's name, or the config key."""
    low: float | None = None
    """The least value of a range; None for choices."""
    high: float | None = None
    """The greatest value of a range; None for choices."""
    step: float | None = None
    """The distance between two values of a range; None if any value is accepted."""
    log: bool = False
    """True if the range is searched on a log scale."""
    whole: bool = False
    """True if only whole numbers are accepted."""
    choices: tuple[Any, ...] = ()
    """The names of the choices; empty for a range."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SearchedDimension":
        """Return the dimension that a stored plan has."""
        return cls(
            name=stored["name"],
            low=stored.get("low"),
            high=stored.get("high"),
            step=stored.get("step"),
            log=bool(stored.get("log")),
            whole=bool(stored.get("whole")),
            choices=tuple(stored.get("choices") or ()),
        )


@dataclass(frozen=True)
class FinalistName:
    """A finalist: the label of its row, and its number as a candidate of the search."""

    label: str
    number: int


@dataclass(frozen=True)
class SearchOrigin:
    """The search that found the rows of a plan, its finalists."""

    search_id: int
    """The key of the search in the store."""
    study: str
    profile: str
    """The profile that was searched, not the profile of the finalists."""
    seed: int
    """The seed with which every candidate was trained."""
    dimensions: tuple[SearchedDimension, ...]
    baseline: Mapping[str, Any]
    """{dimension: the baseline's value}."""
    metrics: tuple[str, ...]
    """The names of its metrics, on the validation split or of the training itself."""
    sampler: str
    pruner: str | None = None
    trials: int | None = None
    """The number of trials that the search may propose; None if only `hours` limit it."""
    hours: float | None = None
    """The hours in which it may start trials; None for no limit."""
    finalists: tuple[FinalistName, ...] = ()
    """The finalists, best first."""
    top: int | None = None
    """The number of finalists that the study file requests; None in plans of earlier versions."""
    baseline_trial: str | None = None
    """The key of the baseline's trial with the search's seed; None in plans of earlier versions."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SearchOrigin":
        """Return the facts that a stored plan has."""
        return cls(
            search_id=stored["search_id"],
            study=stored.get("study", ""),
            profile=stored.get("profile", ""),
            seed=stored["seed"],
            dimensions=tuple(SearchedDimension.from_json(dimension) for dimension in stored["dimensions"]),
            baseline=stored["baseline"],
            metrics=tuple(stored["metrics"]),
            sampler=stored["sampler"],
            pruner=stored.get("pruner"),
            trials=stored.get("trials"),
            hours=stored.get("hours"),
            finalists=tuple(FinalistName(finalist["label"], finalist["number"]) for finalist in stored["finalists"]),
            top=stored.get("top"),
            baseline_trial=stored.get("baseline_trial"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a stored plan writes them."""
        return asdict(self)
