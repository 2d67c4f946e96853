"""Settings in names without a form."""

import pytest

from ablate.errors import SourceError
from ablate.imports.folders.names.parts import all_settings, are_seeds


@pytest.mark.parametrize(
    ("names", "settings"),
    [
        (["lr=0.1_seed=0", "lr=0.2_seed=1"], [{"lr": 0.1, "seed": 0}, {"lr": 0.2, "seed": 1}]),
        (["weight_decay=0.1_s0", "weight_decay=0_s0"], [{"weight_decay": v, "seed": 0} for v in (0.1, 0)]),
        (["lr0.1-bs32-seed0", "lr1e-2-bs32-seed0"], [{"lr": lr, "bs": 32, "seed": 0} for lr in (0.1, 0.01)]),
        (["vit-seed0", "vit-seed1"], [{"name 1": "vit", "seed": 0}, {"name 1": "vit", "seed": 1}]),
        (["lr_0.1_seed_3", "lr_0.2_seed_4"], [{"lr": 0.1, "seed": 3}, {"lr": 0.2, "seed": 4}]),
        (["resnet18_seed0", "vit_seed0"], [{"name 1": "resnet18", "seed": 0}, {"name 1": "vit", "seed": 0}]),
        (["resnet18_seed0", "resnet50_seed0"], [{"resnet": 18, "seed": 0}, {"resnet": 50, "seed": 0}]),
        (["norm-batch/s1", "norm-layer/s1"], [{"norm": "batch", "seed": 1}, {"norm": "layer", "seed": 1}]),
        (["a=1,b_c=x_y", "a=2,b_c=z"], [{"a": 1, "b_c": "x_y"}, {"a": 2, "b_c": "z"}]),
        (["2024-01-05_12-30-00_lr0.1", "2024-01-06_12-31-00_lr0.2"], [{"lr": 0.1}, {"lr": 0.2}]),
        (["seed=1/lr=3", "lr=4/seed=1"], [{"lr": 3, "seed": 1}, {"lr": 4, "seed": 1}]),
    ],
)  # fmt: skip
def test_settings_of_names(names: list[str], settings: list[dict[str, object]]) -> None:
    assert all_settings(names).settings == settings


def test_numbers_of_runs_are_no_settings() -> None:
    found = all_settings(["run1_lr0.1", "run2_lr0.2"])
    assert found.settings == [{"lr": 0.1}, {"lr": 0.2}]
    assert found.ids == [{"run": 1}, {"run": 2}]


def test_names_of_different_lengths_ask_for_a_form() -> None:
    with pytest.raises(SourceError, match=r"'no_norm_lr0.1_seed1' has 2.*--names '\{variant\}_lr\{lr\}_seed\{seed\}'"):
        all_settings(["base_lr0.1_seed0", "no_norm_lr0.1_seed1"])


@pytest.mark.parametrize(
    ("values", "rows", "expected"),
    [
        ([0, 1, 0, 1], ["a", "a", "b", "b"], True),
        ([0, 1, 2, 3], ["a", "a", "b", "b"], False),  # they count the runs
        ([0, 1, 2], ["a", "a", "a"], True),
        ([0, 0], ["a", "a"], False),
        ([0.1, 0.2], ["a", "a"], False),
    ],
)
def test_whole_numbers_that_are_seeds(values: list[int], rows: list[str], expected: bool) -> None:
    assert are_seeds(values, rows) is expected
