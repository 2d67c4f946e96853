"""Train once, and evaluate in several ways: a classifier of tumours, and the threshold at which it warns."""

from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data, target = load_breast_cancer(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(data[:, :10], target == 0, test_size=0.5, random_state=0)


def main(config: dict[str, Any], seed: int, run: Any) -> None:
    """Train on as many tumours, drawn with replacement, and save the model in the folder of the training."""
    rows = np.random.default_rng(seed).integers(len(train_x), size=len(train_x))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=config["c"]))
    joblib.dump(model.fit(train_x[rows], train_y[rows]), run.dir / "model.joblib")


def evaluate(config: dict[str, Any], run: Any) -> dict[str, float]:
    """Return the share of tumours that are judged right, and report the outcome of each."""
    model = joblib.load(run.dir / "model.joblib")
    is_right = (model.predict_proba(test_x)[:, 1] > config["evaluate"]["threshold"]) == test_y
    run.examples("accuracy", is_right)
    return {"accuracy": is_right.mean()}
