"""Results as pandas frames, for notebooks and for questions that no report answers."""

from typing import Any

import pandas as pd

from ablate.analysis.analysis import Analysis
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.results import RowResult, StudyResults
from ablate.store import find_store, shown


def results(store: str, study: str | None = None) -> pd.DataFrame:
    """Return the store's view `results`, one line per trial: study and row, state, values, seconds.

    `store`: its path or URL. FileNotFoundError if there is no store.
    """
    opened = find_store(store)
    if opened is None:
        raise FileNotFoundError(f"{shown(store)}: no store there; `ablate run` makes one")
    with opened.read() as connection:
        frame = pd.read_sql_query("SELECT * FROM results", connection)
    return frame if study is None else frame[frame["study"] == study].reset_index(drop=True)


def rows(results: StudyResults) -> pd.DataFrame:
    """Return one line per row: label, level of every factor, and its mean on every metric."""
    return pd.DataFrame({"row": row.label, **row.levels, **_means(row)} for row in results.rows)


def contrasts(analysis: Analysis) -> pd.DataFrame:
    """Return one line per contrast: its rows, the factors that differ, and its estimate in the metric's unit."""
    return pd.DataFrame(
        {
            "before": contrast.before.label,
            "after": contrast.after.label,
            "differs": contrast.differs,
            "identified": contrast.identified,
            "in_family": contrast.in_family,
            **_estimate(contrast.estimate),
        }
        for contrast in analysis.contrasts
    )


def effects(analysis: Analysis) -> pd.DataFrame:
    """Return one line per level other than its factor's baseline, with its estimate in the metric's unit."""
    return pd.DataFrame(
        {
            "factor": effect.factor,
            "baseline": effect.baseline,
            "level": effect.level,
            "identified": effect.identified,
            "contexts": effect.contexts,
            **_estimate(effect.estimate),
        }
        for effect in analysis.effects
    )


def _means(row: RowResult) -> dict[str, float]:
    return {name: of_row.mean for name, of_row in row.values.items()}


def _estimate(estimate: EffectEstimate) -> dict[str, Any]:
    """Return an estimate as columns, with the ends of its interval as two columns."""
    ends = estimate.interval or (None, None)
    names = ("effect", "method", "seeds", "p", "p_holm", "verdict", "more_seeds")
    return {"low": ends[0], "high": ends[1], **{name: getattr(estimate, name) for name in names}}
