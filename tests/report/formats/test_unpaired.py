"""Studies without pairs keep in a log why they have none, and the spread of rows that are known by their mean only."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.loading import load
from ablate.analysis.results import StudyResults
from ablate.errors import LogError
from ablate.measurement import RATE, Direction, Kind, Metric
from ablate.report.formats import json as json_report
from ablate.report.formats import log as log_report
from ablate.store import Store
from ablate.store.imported_log import save_log
from ablate.study.logfile.parser import parse_log
from ablate.study.logfile.rows import findings, named_rows
from tests.support.analysis.value_studies import SQUARE, study_of_values

LOSS = Metric("loss", Direction.MINIMIZE)
TOP_1 = Metric("top1", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=RATE)
NO_SEEDS = "no column has the seeds"
VALUES = np.random.default_rng(2).uniform(0.4, 0.5, (4, 5)).round(4)
VALUES[1, 3:] = np.nan
KNOWN: dict[str, Any] = {f"row {at}": {"loss": {"sd": 0.02, "seeds": 4}} for at in range(1, 4)}
SUMMARIES: dict[str, Any] = {**KNOWN, "row 4": {"loss": {"sd": None, "seeds": None}}}


def as_imported(study: StudyResults) -> StudyResults:
    """The study as `ablate import` would save it."""
    bundled, other = study.document.factors
    factors = (replace(bundled, sets=(), bundle=("lr", "decay")), replace(other, sets=()))
    return replace(study, imported=True, document=replace(study.document, declared=True, factors=factors))


def written_and_read(store: Store, own: StudyResults) -> StudyResults:
    log = parse_log(log_report.render(own))
    rows = named_rows(log)
    with store.write(alone=True) as connection:
        save_log(connection, "again", log, rows, findings(log, rows))
    return load(store, "again")


@pytest.mark.parametrize(
    ("metric", "values", "document"),
    [
        (LOSS, VALUES, {"unpaired": NO_SEEDS}),
        (LOSS, VALUES[:, :1], {"summaries": SUMMARIES, "unpaired": "only means are known"}),
        (TOP_1, VALUES, {"unpaired": NO_SEEDS}),
    ],
    ids=["runs", "summaries", "a rate without a number of queries"],
)
def test_a_log_gives_back_a_study_without_pairs(
    store: Store, metric: Metric, values: np.ndarray, document: dict[str, Any]
) -> None:
    own = as_imported(study_of_values(metric, 0.5, SQUARE, values, **document))
    again = written_and_read(store, own)
    assert (again.document.unpaired, again.document.summaries) == (own.document.unpaired, own.document.summaries)
    assert again.bundles == own.bundles == {"a": ("lr", "decay")}
    mine, theirs = (json_report.document(analyse(one)) for one in (own, again))
    for key in ("contrasts", "effects", "interactions", "tied_best", "primary", "delta"):
        assert theirs[key] == mine[key], key
    assert [row["metrics"] for row in theirs["rows"]] == [row["metrics"] for row in mine["rows"]]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (f'unpaired: "{NO_SEEDS}"', "unpaired: 3", "found 3 for unpaired"),
        ('"seeds": 4', '"seeds": 0', "found another form of `summaries:`"),
        ('"sd": 0.02', '"sd": "wide"', "found another form of `summaries:`"),
        ('"bundle": ["lr", "decay"]', '"bundle": [1]', "found another form of `factors:`"),
    ],
)
def test_a_log_with_other_forms_is_refused(before: str, after: str, fault: str) -> None:
    own = as_imported(study_of_values(LOSS, 0.5, SQUARE, VALUES[:, :1], summaries=SUMMARIES, unpaired=NO_SEEDS))
    text = log_report.render(own)
    assert before in text
    with pytest.raises(LogError, match=fault):
        named_rows(parse_log(text.replace(before, after)))
