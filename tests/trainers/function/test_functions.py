"""Functions of a user as trainers, each training in a process of its own."""

import json
from pathlib import Path

import pytest

import ablate
from ablate.errors import AblateError
from tests.support.study_text import faults
from tests.support.trainers.own_script import project, ran, store_of, values

STUDY = """
study: own
trainer: {function: train.py:main}
metrics: {acc: {better: higher, unit: "%"}}
config: {lr: 0.1, depth: 2}
factors:
  lr: {sets: lr, levels: [0.1, 0.2]}
design: [{add_one: {from: {}}}]
seeds: 2
"""
EXPECTED = {"baseline": {0: 0.12, 1: 0.13}, "lr=0.2": {0: 0.22, 1: 0.23}}
BODY = "return {'acc': config['lr'] + config['depth'] / 100 + seed / 100}"


def rounded(study: Path, metric: str = "acc") -> dict[str, dict[int, float]]:
    return {row: {seed: round(one, 6) for seed, one in of.items()} for row, of in values(study, metric).items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "train",
    [
        f"def main(config, seed):\n    {BODY}",
        f"def main(seed, run, *, config):\n    assert run.attempt == 1 and run.dir.is_dir()\n    {BODY}",
        "def main(lr, depth, seed):\n    return {'acc': lr + depth / 100 + seed / 100}",
        "def main(**k):\n    return {'acc': k['lr'] + k['depth'] / 100 + k['seed'] / 100}",
        "import numpy as np\ndef main(lr, depth, seed):\n    return {'acc': np.float32(lr + depth / 100 + seed / 100)}",
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    lr: float\n    depth: int = 1\n"
        "def main(config: Config, seed):\n    return {'acc': config.lr + config.depth / 100 + seed / 100}",
        "from __future__ import annotations\nfrom pydantic import BaseModel\nclass Config(BaseModel):\n    lr: float\n"
        "    depth: int\ndef main(config: Config, seed):\n"
        "    return {'acc': config.lr + config.depth / 100 + seed / 100}",
        "from ablate import Measurement, Result\ndef main(config, seed):\n"
        "    value = config['lr'] + config['depth'] / 100 + seed / 100\n"
        "    return Result([Measurement('acc', 'test', value)])",
    ],
    ids=["config", "run", "keys", "kwargs", "numpy", "dataclass", "pydantic", "result"],
)
def test_a_function_gets_what_its_signature_names(tmp_path: Path, train: str) -> None:
    study = project(tmp_path, STUDY, train=train)
    assert ran(study).failed == 0
    assert rounded(study) == EXPECTED


def test_a_function_of_a_package(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "values.py").write_text("def value(config, seed):\n    " + BODY, encoding="utf-8")
    (package / "fit.py").write_text(
        "from .values import value\ndef main(config, seed):\n    return value(config, seed)", "utf-8"
    )
    study = project(tmp_path, STUDY.replace("train.py:main", "package.fit:main"))
    assert ran(study).failed == 0
    assert rounded(study) == EXPECTED
    (package / "values.py").write_text("def value(config, seed):\n    return {'acc': 0.5}", encoding="utf-8")
    plan = ablate.plan_study(study, store_of(study))
    texts = {change.text for item in plan.trials if item.older for change in item.older.changes}
    assert texts == {"code: package/values.py changed"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("train.py:mian", "train.py has no function of this name: unknown function 'mian'; did you mean 'main'?"),
        ("trian.py:main", "there is no such file in"),
        ("nosuch.module:main", "there is no module 'nosuch.module' in"),
        ("train.py", "accepted: FILE.py:NAME, such as train.py:main, or PACKAGE.MODULE:NAME"),
        ("train.py:broken", "its argument 'lrr' has no default, and nothing gives it"),
        ("bad.py:main", "bad.py, line 1: "),
    ],
)
def test_functions_that_cannot_be_called_are_faults(tmp_path: Path, reference: str, words: str) -> None:
    train = f"def main(config, seed):\n    {BODY}\ndef broken(lrr):\n    pass"
    project(tmp_path, STUDY, train=train, bad="def main(:")
    assert words in "\n".join(faults(tmp_path, STUDY.replace("train.py:main", reference)))


def test_a_config_that_does_not_fit_its_type_is_refused_before_anything_is_queued(tmp_path: Path) -> None:
    train = (
        "from dataclasses import dataclass, field\n@dataclass\nclass Model:\n    width: int = 3\n@dataclass\n"
        "class Config:\n    rate: float = 0.1\n    depth: int = 1\n    model: Model = field(default_factory=Model)\n"
        "def main(config: Config, seed):\n    return {'acc': 0.5}"
    )
    text = STUDY.replace("depth: 2", "depth: deep, model: {widht: 4}").replace("lr", "rate2")
    study = project(tmp_path, text, train=train)
    with pytest.raises(AblateError) as caught:
        ran(study)
    assert "config.rate2: unknown key 'rate2'; did you mean 'rate'?" in str(caught.value)
    assert "config.model.widht: unknown key 'widht'; did you mean 'width'?" in str(caught.value)
    assert not (tmp_path / "results" / "runs").exists()
    project(tmp_path, STUDY.replace("depth: 2", "depth: deep").replace("lr", "rate"), train=train)
    with pytest.raises(AblateError, match=r"config.depth: found 'deep'; input should be a valid integer"):
        ran(study)


def test_evaluation_apart_trains_once_for_rows_that_differ_in_it(tmp_path: Path) -> None:
    train = (
        "import json\ndef main(config, seed, run):\n    assert 'evaluate' not in config\n"
        "    open('trainings.txt', 'a').write('x')\n    (run.dir / 'net.json').write_text(json.dumps(config['lr']))\n"
        "def test(config, seed, run):\n"
        "    return {'acc': json.loads((run.dir / 'net.json').read_text()) + config['evaluate']['crops'] / 100}"
    )
    text = STUDY.replace("main}", "main, evaluate: train.py:test}").replace("depth: 2", "evaluate: {crops: 1}")
    text = text.replace("design", "  crops: {sets: evaluate.crops, levels: [1, 5]}\ndesign")
    study = project(tmp_path, text, train=train)
    assert ran(study).ran == 4  # 2 rates × 2 seeds; the row with other crops shares those of the baseline
    assert rounded(study) == {
        "baseline": {0: 0.11, 1: 0.11},
        "lr=0.2": {0: 0.21, 1: 0.21},
        "crops=5": {0: 0.15, 1: 0.15},
    }
    project(tmp_path, text.replace("[1, 5]", "[1, 5, 9]"), train=train)
    ran(study)
    assert rounded(study)["crops=9"] == {0: 0.19, 1: 0.19}
    assert (tmp_path / "trainings.txt").read_text(encoding="utf-8") == "x" * 4


def test_a_function_may_report_values_at_the_end_of_each_epoch_the_last_one_included(tmp_path: Path) -> None:
    train = (
        "def main(config, seed, run):\n    for epoch in range(4):\n        run.report((epoch + 1) / 4, acc=0.5)\n"
        f"    {BODY}"
    )
    study = project(tmp_path, STUDY, train=train)
    ran(study)
    assert rounded(study) == EXPECTED


def test_examples_of_a_function(tmp_path: Path) -> None:
    train = (
        "def main(config, seed, run):\n    values = [1, 0, 1, config['lr'] > 0.15]\n"
        "    run.examples('acc', values, ids='abcd', clusters=[1, 1, 2, 2])\n    return {}"
    )
    text = STUDY.replace('"%"', '"%", examples: run.examples').replace("seeds: 2", "seeds: 1")
    study = project(tmp_path, text, train=train)
    ran(study)
    assert rounded(study) == {"baseline": {0: 0.5}, "lr=0.2": {0: 0.75}}
    loaded = ablate.load_results(store=store_of(study))
    assert {row.results[0].values["acc"].n for row in loaded.rows} == {4}
    contrast = json.loads(ablate.render(ablate.analyse_study(store=store_of(study)), "json"))["contrasts"][0]
    assert contrast["p"] == pytest.approx(0.5)  # mid-p McNemar with one discordant example: 2 × ½ × ½
