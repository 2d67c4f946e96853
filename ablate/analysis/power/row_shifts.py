"""The shifts of runs in simulated studies, which are alike for metrics of every kind."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.trainers.entry import Tails
from ablate.trainers.simulated.response_model import deviates

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RowShifts(ABC):
    """The effects of rows and the shifts of their runs, in the metric's unit."""

    effects: tuple[float, ...]
    """The effect of each row, that is added to the value without an effect."""
    own_sd: tuple[float, ...]
    """The SD of the own shift of each row's runs: all of a run's spread but the part from its examples."""
    shared_sd: float = 0.0
    """The SD of the shift that all rows of a seed share."""
    tails: Tails = "normal"
    """The law of the shifts."""

    def __post_init__(self) -> None:
        if len(self.own_sd) != len(self.effects):
            raise ValueError(f"{len(self.effects)} effects, but {len(self.own_sd)} SDs: one a row")

    @property
    @abstractmethod
    def example_variance(self) -> float:
        """The part of a run's variance that comes from its examples: half of that of a difference."""

    @property
    def run_sd(self) -> float:
        """The SD of one run: its own shift and the part from its examples. A seed's shared shift cancels."""
        return math.sqrt(np.mean(np.square(self.own_sd)) + self.example_variance)

    def draw_shifts(self, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
        """Return the shifts of new runs, shape (studies, rows, seeds): their own and that of their seed."""
        own = np.array(self.own_sd)[:, None] * deviates(self.tails, rng, (studies, len(self.effects), seeds))
        shared = self.shared_sd * deviates(self.tails, rng, (studies, 1, seeds))
        shifts: Floats = own + shared
        return shifts
