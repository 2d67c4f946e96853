"""Results as pandas frames, for notebooks and for questions that no report answers."""

import pandas as pd

from ablate.analysis.results import StudyResults
from ablate.store import open_store, shown


def results(store: str, study: str | None = None) -> pd.DataFrame:
    """The store's view `results`, a line a trial: where it belongs, its state, its rates, its seconds."""
    opened = open_store(store)
    if opened is None:
        raise FileNotFoundError(f"{shown(store)}: no store there; `ablate run` makes one")
    with opened.read() as connection:
        frame = pd.read_sql_query("SELECT * FROM results", connection)
    return frame if study is None else frame[frame["study"] == study].reset_index(drop=True)


def rows(found: StudyResults) -> pd.DataFrame:
    """A line a row: its label, its level of every factor, and its mean rates."""
    lines = [{"row": row.label, **row.levels, **{k: m.mean for k, m in row.metrics.items()}} for row in found.rows]
    return pd.DataFrame(lines)
