"""The true effects of simulated rows on a metric, for `ablate plan --power`."""

import math
from collections.abc import Sequence

from ablate.measurement import Metric, Scale
from ablate.trainers.entry import TrueEffects
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.truth import effect_pp, expected_rate, loss_at, own_sd, score_at
from ablate.trainers.top_k import TOP_K

Rows = Sequence[SimulatedConfig]


def true_effects(rows: Rows, metric: Metric) -> TrueEffects | None:
    """Return the true effects of the rows; None for a metric that the trainer does not know."""
    if metric.name in {rate.name for rate in TOP_K.values()}:
        return _of_rates(rows, metric)
    if metric.name in ("loss", "score"):
        return _of_values(rows, metric)
    return None


def _of_rates(rows: Rows, metric: Metric) -> TrueEffects:
    """Return the effects on top-1, which are taken for every other rate too."""
    first, top1 = rows[0], TOP_K[1]
    notes = _unlike(rows, ("queries", "discordance", "shared_seed_sd_pp", "tails"))
    if metric.name != top1.name:
        notes.append(
            f"base rate and effects are taken for {metric.name}, the primary metric, as the config has them for "
            f"{top1.name}"
        )
    if first.clusters:
        notes.append(f"examples are taken as independent, although they are in {first.clusters} clusters")
    return TrueEffects(
        base=first.base,
        effects=tuple(expected_rate(row) - first.base for row in rows),
        own_sd=tuple(own_sd(row) / 100 for row in rows),
        shared_sd=first.shared_seed_sd_pp / 100,
        tails=first.tails,
        examples=first.queries,
        discordance=first.discordance,
        notes=notes,
    )


def _of_values(rows: Rows, metric: Metric) -> TrueEffects | None:
    """Return the effects on the loss or the score; None on a log scale if a value is not positive.

    If the metric is linear in the level and compared by ratios, or the other way round, SDs are those of small shifts.
    """
    first, is_loss, is_log = rows[0], metric.name == "loss", metric.scale is Scale.LOG
    value_at, parameters = (loss_at, first.loss) if is_loss else (score_at, first.score)
    values = [value_at(row, effect_pp(row)) for row in rows]
    base = parameters.base
    if is_log and min(*values, base) <= 0:
        return None
    is_exponential = not is_loss and first.score.positive
    notes = _unlike(rows, ("shared_seed_sd_pp", "tails", metric.name, *(("queries", *_CLUSTERS) if is_loss else ())))
    if is_log != is_exponential:
        notes.append(f"the spread of {metric.name} is that of small shifts, as the config has it on another scale")
    if is_loss and first.clusters:
        notes.append(f"the noise of a mean counts that its examples are in {first.clusters} clusters")

    def spread(value: float) -> float:
        """Return the SD of values near one of this size that a shift of one percentage point makes."""
        slope = abs(parameters.per_pp) * (value if is_exponential else 1.0)
        return slope / value if is_log else slope

    return TrueEffects(
        base=math.log(base) if is_log else base,
        effects=tuple(math.log(value / base) if is_log else value - base for value in values),
        own_sd=tuple(spread(value) * own_sd(row) for value, row in zip(values, rows, strict=True)),
        shared_sd=spread(base) * first.shared_seed_sd_pp,
        tails=first.tails,
        examples=first.queries if is_loss else None,
        example_sd=_example_sd(first) / (base if is_log else 1.0) if is_loss else None,
        notes=notes,
    )


def _example_sd(config: SimulatedConfig) -> float:
    """Return the SD of an example's difference between two runs of equal mean.

    It is that of independent examples of which the means have the same SD as with the config's clusters.
    """
    independent = config.loss.sd * math.sqrt(2 * (1 - config.loss.correlation))
    if not config.clusters:
        return independent
    whole, more = divmod(config.queries, config.clusters)
    squares = more * (whole + 1) ** 2 + (config.clusters - more) * whole**2
    return independent * math.sqrt(1 - config.cluster_share + config.cluster_share * squares / config.queries)


def _unlike(rows: Rows, keys: Sequence[str]) -> list[str]:
    """Return a note of the keys in which rows differ, if there are any."""
    unlike = [key for key in keys if any(getattr(row, key) != getattr(rows[0], key) for row in rows)]
    return [f"rows differ in {' and '.join(unlike)}; the first row's is taken for all"] if unlike else []


_CLUSTERS = ("clusters", "cluster_share")
