"""The family of contrasts that `ablate plan --power` is about."""

from collections.abc import Sequence

from ablate.analysis.design.additive_model import AdditiveModel, Variable, additive_model
from ablate.analysis.power.hypotheses import Hypotheses, family_hypotheses
from ablate.errors import AblateError
from ablate.study.model import Study
from ablate.study.trials.identity import Trial
from ablate.text import plural


def ask(study: Study, planned: Sequence[Trial]) -> Hypotheses:
    """Return the study's family of contrasts. `planned`: the trials of all its rows.

    Raises AblateError if no contrast can have a verdict, or if there are too many.
    """
    if len(study.rows) < 2:
        rows = plural(len(study.rows), "row")
        raise AblateError(f"--power: study {study.name} has {rows}, so there is nothing to compare")
    labels = [row.label for row in study.rows]
    keys = {trial.label: trial.key for trial in reversed(planned)}
    declared = family_hypotheses(_layout(study), study.family, labels)
    hypotheses = declared.without_repeats([keys[label] for label in labels])
    if declared.isolated.size and not hypotheses.isolated.size:
        raise AblateError(
            "--power: nothing reads the factors, so that all rows are one trial; the warnings of `ablate plan` give "
            "the reasons"
        )
    if not hypotheses.isolated.size:
        raise AblateError(
            f"--power: no contrast of family {hypotheses.kind!r} shows one factor alone, so that none can have a "
            "verdict; `ablate plan` without --power shows the aliases"
        )
    return hypotheses


def _layout(study: Study) -> AdditiveModel:
    """Return the rows as levels of factors, the baseline level first, as in reports."""
    variables = [
        Variable(
            factor.name,
            (factor.baseline.word, *(level.word for level in factor.levels if level.word != factor.baseline.word)),
        )
        for factor in study.factors
    ]
    return additive_model(variables, [[row.levels[variable.name].word for variable in variables] for row in study.rows])
