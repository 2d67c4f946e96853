"""The config of the trainer `simulated`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ablate.trainers.config import (
    AtLeastOne,
    Finite,
    ListOf,
    NotNegative,
    OutsideIdentity,
    Positive,
    Rate,
    Section,
    TrainerConfig,
)


class SimulatedEffect(Section):
    """A change in the expected top-1 rate, or in a run's spread, when all of `when` hold."""

    when: dict[str, Any] = Field({}, description="Settings that must all have these values.")
    pp: float = Field(0.0, description="Expected change, in percentage points.")
    seed_sd_pp: NotNegative | None = Field(
        None, description="SD of a run's own shift in place of the config's, in percentage points."
    )
    peak: dict[str, float] = Field({}, description="Numeric settings at which a smooth effect is largest.")
    width: dict[str, Positive] = Field({}, description="SD of the smooth effect's bell along each setting of peak.")

    @model_validator(mode="after")
    def _bell_is_complete(self) -> Self:
        if set(self.peak) != set(self.width):
            raise ValueError("peak and width over the same settings")
        return self


class SimulatedConfig(TrainerConfig):
    """Trainer `simulated`: trains nothing and draws per-query hits with known true effects."""

    queries: AtLeastOne = Field(1000, description="Queries of the test split, and of the validation split.")
    base: Rate = Field(0.27, description="Expected top-1 rate with no effect active.")
    seed_sd_pp: NotNegative = Field(
        0.3, description="SD of a run's own shift (each row and seed), in percentage points."
    )
    shared_seed_sd_pp: NotNegative = Field(
        0.2, description="SD of the shift that all rows of one seed share, in percentage points."
    )
    tails: Literal["normal", "t5"] = Field("normal", description="Law of the shifts.")
    discordance: Rate = Field(
        0.16, description="Share of queries on which two runs of equal rate disagree; at most 2·base·(1−base)."
    )
    seconds: Annotated[float, Field(ge=0.0), OutsideIdentity] = Field(
        0.0, description="Seconds that a trial pretends to work."
    )
    fail: Annotated[Rate, OutsideIdentity] = Field(
        0.0, description="Probability that an attempt raises, drawn again for each attempt."
    )
    settings: Annotated[dict[str, Any], Finite] = Field({}, description="Free keys that factors set.")
    effects: Annotated[tuple[SimulatedEffect, ...], ListOf] = Field((), description="The true effects.")

    @model_validator(mode="after")
    def _discordance_is_possible(self) -> Self:
        most = 2 * self.base * (1 - self.base)
        if self.discordance > most + 1e-12:
            raise ValueError(f"a discordance of at most 2·base·(1−base) = {most:.6g}")
        return self
