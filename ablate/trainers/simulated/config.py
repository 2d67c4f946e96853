"""The config of the trainer `simulated`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ablate.trainers.config import (
    AtLeastOne,
    Count,
    Finite,
    ListOf,
    NotNegative,
    OutsideIdentity,
    Positive,
    Rate,
    Section,
    TrainerConfig,
)

MetricGroup = Literal["rates", "loss", "score"]
"""The metrics that a run may give: top-1, top-5 and top-10; a loss; a score."""

Better = Literal["higher", "lower"]


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


class SimulatedLoss(Section):
    """The metric `loss`: the mean of one real number for each example, in nats, a linear function of a run's level."""

    base: float = Field(2.0, description="Expected loss with no effect active.")
    per_pp: float = Field(
        -0.02, description="Change of the expected loss for each percentage point of effect or shift."
    )
    sd: NotNegative = Field(1.0, description="SD of the loss over examples.")
    correlation: Rate = Field(0.8, description="Correlation over examples between the losses of two runs.")
    better: Annotated[Better, OutsideIdentity] = Field("lower", description="Which losses are better.")


class SimulatedScore(Section):
    """The metric `score`: one number without examples, a function of a run's level and of nothing else."""

    base: float = Field(1.0, description="Score with no effect active.")
    per_pp: float = Field(
        0.01, description="Change of the score, or of its logarithm, for each percentage point of effect or shift."
    )
    positive: bool = Field(
        False,
        description="on: the logarithm of the score is linear, so that effects are ratios and no score is below 0.",
    )
    better: Annotated[Better, OutsideIdentity] = Field("higher", description="Which scores are better.")

    @model_validator(mode="after")
    def _positive_base(self) -> Self:
        if self.positive and self.base <= 0:
            raise ValueError("a base above 0, as positive is on")
        return self


class SimulatedDefect(Section):
    """A result that is made unusable on purpose, in the runs in which all of `when` hold."""

    when: dict[str, Any] = Field({}, description="Settings that must all have these values.")
    seeds: Annotated[tuple[int, ...], ListOf] = Field((), description="Seeds in which it happens; empty: all.")
    metric: str | None = Field(None, description="Name of the metric, such as loss or top1; null: all metrics.")
    gives: Literal["nan", "inf", "diverged", "constant", "missing", "fewer", "renamed"] = Field(
        "missing",
        description="nan, inf: the value and that of one example; diverged: the training ends as diverged, with nan; "
        "constant: the same value in all examples and runs; "
        "missing: no value; fewer: a tenth of the examples is left out; renamed: examples have names that no other "
        "run has.",
    )


class SimulatedConfig(TrainerConfig):
    """Trainer `simulated`: trains nothing and draws results with known true effects."""

    metrics: Annotated[tuple[MetricGroup, ...], ListOf, Field(min_length=1)] = Field(
        ("rates",), description="Metrics of a result: rates (top1, top5 and top10), loss, score."
    )
    queries: AtLeastOne = Field(
        1000, description="Queries, or examples, of the test split, and of the validation split."
    )
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
    loss: SimulatedLoss = SimulatedLoss()
    score: SimulatedScore = SimulatedScore()
    clusters: Count = Field(
        0, description="Clusters of examples that share a part of each run's noise; 0: examples are independent."
    )
    cluster_share: Rate = Field(0.3, description="Share of the variance of a run's noise that a cluster shares.")
    ids: Literal["none", "ordered", "shuffled"] = Field(
        "none", description="Names of the examples: none; in one order; or in another order in each run."
    )
    seconds: Annotated[float, Field(ge=0.0), OutsideIdentity] = Field(
        0.0, description="Seconds that a trial pretends to work."
    )
    fail: Annotated[Rate, OutsideIdentity] = Field(
        0.0, description="Probability that an attempt raises, drawn again for each attempt."
    )
    settings: Annotated[dict[str, Any], Finite] = Field({}, description="Free keys that factors set.")
    effects: Annotated[tuple[SimulatedEffect, ...], ListOf] = Field((), description="The true effects.")
    broken: Annotated[tuple[SimulatedDefect, ...], ListOf] = Field(
        (), description="Results that are made unusable, to see how reports show them."
    )

    @model_validator(mode="after")
    def _discordance_is_possible(self) -> Self:
        most = 2 * self.base * (1 - self.base)
        if self.discordance > most + 1e-12:
            raise ValueError(f"a discordance of at most 2·base·(1−base) = {most:.6g}")
        return self

    @model_validator(mode="after")
    def _clusters_have_examples(self) -> Self:
        if self.clusters > self.queries:
            raise ValueError(f"at most as many clusters as examples (queries: {self.queries})")
        return self
