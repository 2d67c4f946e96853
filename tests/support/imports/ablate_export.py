"""The canonical study as `ablate export` writes it as CSV."""

from pathlib import Path

from ablate.exports.tables import csv_text
from ablate.exports.trials import ExportedStudy, ExportedTrial
from ablate.measurement import Metric
from ablate.store.plan_document import PlanDocument, StoredFactor
from ablate.store.results import StoredValue
from tests.support.imports.canonical import METRIC, NORMS, RATES, runs


def write(folder: Path) -> Path:
    """Write the study into a folder, and return the path of the file."""
    factors = (StoredFactor("lr", (), RATES, RATES[0]), StoredFactor("norm", (), NORMS, NORMS[0]))
    document = PlanDocument("t", METRIC, 0.5, 0.05, factors=factors, metrics=(Metric(METRIC),))
    trials = [
        ExportedTrial(
            "row",
            f"lr={run.lr}, norm={run.norm}",
            {"lr": run.lr, "norm": run.norm},
            run.seed,
            "done",
            {METRIC: StoredValue(run.acc, None)},
            {},
            f"{at:020}",
        )
        for at, run in enumerate(runs())
    ]
    path = folder / "results.csv"
    path.write_text(csv_text(ExportedStudy("canonical", "base", document, trials)), encoding="utf-8")
    return path
