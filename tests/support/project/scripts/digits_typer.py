"""A script of typer that writes its results into a folder."""

import json
from enum import Enum
from pathlib import Path

import typer
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

app = typer.Typer()


class Model(str, Enum):  # noqa: UP042  # as the docs of typer write it
    linear = "linear"
    forest = "forest"


@app.command()
def main(
    model: Model = Model.linear,
    c: float = typer.Option(1.0, help="inverse penalty"),
    trees: int = 20,
    scale: bool = True,
    flip: bool = False,
    random_state: int = 0,
    output_dir: Path = Path("out"),
):
    x, y = load_digits(return_X_y=True)
    if scale:
        x = x / 16
    if flip:
        x = x[:, ::-1]
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=random_state)
    if model == Model.linear:
        clf = LogisticRegression(C=c, max_iter=30)
    else:
        clf = RandomForestClassifier(trees, random_state=random_state)
    clf.fit(x_train, y_train)
    output_dir.mkdir(parents=True, exist_ok=True)
    results = {"test": {"accuracy": clf.score(x_test, y_test)}, "model": model.value}
    (output_dir / "results.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    app()
