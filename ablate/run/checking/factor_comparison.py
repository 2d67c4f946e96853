"""A factor, checked by training a row that differs in it alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablate.run.checking.comparison import Echoes, RowComparison
from ablate.run.checking.remark import Remark
from ablate.study.config_keys import Config
from ablate.study.factors import Factor, Level, level_text
from ablate.study.model import Row, Study
from ablate.study.trials.identity import Trial


def compared(comparison: RowComparison, trials: Sequence[Trial], factors: bool) -> tuple[list[Remark], bool]:
    """Train a row again, and return sentences about the seed and the factors; True if Ctrl-C ended that.

    `factors`: True if the factors are checked, and whether the same seed gives the same results.
    """
    remarks: list[Remark] = []
    if comparison.first.readings is None or not comparison.first.is_done:
        return remarks, False
    try:
        if factors:
            remarks.append(comparison.repeat_remark())
            if not comparison.is_determined:
                return remarks, False
        remarks.append(comparison.seed_remark())
        if factors:
            configs = {trial.label: trial.config for trial in trials}
            of_factors = FactorComparison(comparison, configs, seed_matters=not remarks[-1].is_fault)
            for factor in comparison.runner.study.factors:
                remarks.append(of_factors.remark(factor))
    except KeyboardInterrupt:
        return remarks, True
    return remarks, False


@dataclass(frozen=True)
class FactorComparison:
    """A row with its trainings, and the configs of all rows."""

    of_row: RowComparison
    configs: Mapping[str, Config]
    """{label: resolved config}."""
    seed_matters: bool
    """False if another seed gives equal results."""

    def remark(self, factor: Factor) -> Remark:
        """Train a row that differs in one factor, and return whether it has other results."""
        first, study = self.of_row.first, self.of_row.runner.study
        row = next((row for row in study.rows if row.label == first.label), None)
        other = row and _neighbour(study, row, factor)
        if row is None or other is None:
            return Remark(
                f"{factor.name}: no row differs from {first.label!r} in this factor alone, so it was not checked; "
                "`--only ROW` chooses another row"
            )
        level, another = row.levels[factor.name], other.levels[factor.name]
        words = f"{factor.name}: with {level_text(another.word)} in place of {level_text(level.word)}"
        run = self.of_row.runner.run
        changed = run(other.label, self.configs[other.label], first.seed)
        if remark := self.of_row.difference(changed, words, _echoes(level, another)):
            return remark
        if self.seed_matters:  # equal by chance, or to the last digit in every seed
            second = self.of_row.other_seed
            changed = run(other.label, self.configs[other.label], second.seed)
            if changed.values != second.values:
                return Remark(f"{words}, the results are equal with seed {first.seed}, and others with {second.seed}")
        return Remark(
            f"{words}, the results are equal to the last digit. Either the factor does not reach the script, or it "
            "changes nothing in this row",
            is_fault=True,
        )


def _neighbour(study: Study, row: Row, factor: Factor) -> Row | None:
    """Return a row that differs in one factor only; None if there is none."""
    for other in study.rows:
        differing = {name for name, level in other.levels.items() if level != row.levels[name]}
        if differing == {factor.name}:
            return other
    return None


def _echoes(level: Level, another: Level) -> Echoes:
    pairs = zip(level.values, another.values, strict=True)
    return {float(one): float(other) for one, other in pairs if _is_number(one) and _is_number(other)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
