"""Reports and figures of metrics of a user's script: no split and no number of examples is named that is not known."""

from pathlib import Path

import ablate
from tests.support.trainers.own_script import SCRIPT, STUDY, project, ran, store_of

NOISY = SCRIPT.replace("args.seed / 1000", "hash((args.lr, args.depth, args.seed)) % 97 / 10_000")


def test_a_validation_metric_without_examples(tmp_path: Path) -> None:
    study = project(tmp_path, STUDY.replace('"%",', '"%", split: validation,'), train=NOISY)
    ran(study)
    analysis = ablate.analyse_study(store=store_of(study))
    text = " ".join(ablate.render(analysis, "terminal").split())
    assert "Rows: rates on the validation split" in text
    assert "generalise to new seeds on these validation examples" in text
    ladder = next(path for path in ablate.draw(analysis, tmp_path) if path.name == "ladder.svg")
    drawn = ladder.read_text(encoding="utf-8")
    assert "acc, % (95 % interval)" in drawn
    assert "test examples" not in text + drawn


def test_a_metric_of_test_data_keeps_its_words(tmp_path: Path) -> None:
    study = project(tmp_path, train=NOISY)
    ran(study)
    text = " ".join(ablate.render(ablate.analyse_study(store=store_of(study)), "terminal").split())
    assert "generalise to new seeds on these test examples" in text
