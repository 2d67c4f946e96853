"""Results as pandas frames, for notebooks and for questions that no report answers."""

from typing import Any

import pandas as pd

from ablate.analysis.analysis import Analysis
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.results import RowResult, StudyResults
from ablate.store import find_store, shown


def results(store: str, study: str | None = None) -> pd.DataFrame:
    """The store's view `results`, a line a trial: where it belongs, its state, its rates, its seconds."""
    opened = find_store(store)
    if opened is None:
        raise FileNotFoundError(f"{shown(store)}: no store there; `ablate run` makes one")
    with opened.read() as connection:
        frame = pd.read_sql_query("SELECT * FROM results", connection)
    return frame if study is None else frame[frame["study"] == study].reset_index(drop=True)


def rows(found: StudyResults) -> pd.DataFrame:
    """A line a row: its label, its level of every factor, its mean rates, and mAP and mAP@R where it has them."""
    return pd.DataFrame({"row": row.label, **row.levels, **_means(row)} for row in found.rows)


def contrasts(found: Analysis) -> pd.DataFrame:
    """A line a contrast: which rows, what differs, and all that is known of the difference, in percentage points."""
    return pd.DataFrame(
        {
            "before": contrast.before.label,
            "after": contrast.after.label,
            "differs": contrast.differs,
            "identified": contrast.identified,
            "in_family": contrast.in_family,
            **_estimate(contrast.estimate),
        }
        for contrast in found.contrasts
    )


def effects(found: Analysis) -> pd.DataFrame:
    """A line a level other than its factor's baseline, with all that is known of its effect, in percentage points."""
    return pd.DataFrame(
        {
            "factor": effect.factor,
            "baseline": effect.baseline,
            "level": effect.level,
            "identified": effect.identified,
            "contexts": effect.contexts,
            **_estimate(effect.estimate),
        }
        for effect in found.effects
    )


def _means(row: RowResult) -> dict[str, float]:
    rates = {name: found.mean for name, found in row.metrics.items()}
    return rates | {name: found.mean for name, found in row.precisions.items()}


def _estimate(estimate: EffectEstimate) -> dict[str, Any]:
    """The ends of an interval as columns of their own."""
    ends = estimate.interval or (None, None)
    wanted = ("effect", "method", "seeds", "p", "p_holm", "verdict", "more_seeds")
    return {"low": ends[0], "high": ends[1], **{name: getattr(estimate, name) for name in wanted}}
