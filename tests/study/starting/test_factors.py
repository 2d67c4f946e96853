"""Tests of the roles of options, and of the choice of factors."""

import pytest

from ablate.study.starting.factor_choice import MOST, chosen_factors
from ablate.study.starting.roles import Role, folder_text, role_of, seed_among
from ablate.study.starting.scanning.options import OptionKind, ScriptOption


def option(name: str, default: object = 1, kind: OptionKind = OptionKind.VALUE, **others: object) -> ScriptOption:
    return ScriptOption(f"--{name}", name, kind, default, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "default", "role"),
    [
        ("seed", 0, Role.SEED),
        ("random-state", None, Role.SEED),
        ("split_seed", 0, Role.OTHER_SEED),
        ("output_dir", "out", Role.FOLDER),
        ("log-dir", None, Role.FOLDER),
        ("device", "cpu", Role.MACHINE),
        ("num_workers", 4, Role.MACHINE),
        ("test-batch-size", 100, Role.MACHINE),
        ("data", "./data", Role.INPUT),
        ("epochs", 10, Role.LENGTH),
        ("lr", 0.1, Role.SETTING),
        ("out_features", 3, Role.SETTING),
        ("optimizer.weight_decay", 0.1, Role.SETTING),
        ("batch-size", 32, Role.SETTING),
    ],
)
def test_roles(name: str, default: object, role: Role) -> None:
    assert role_of(option(name, default)) is role


def test_the_most_usual_name_is_the_seed() -> None:
    options = [option("random_state", 0), option("split-seed", 0), option("seed", 0)]
    assert seed_among(options) is options[2]
    assert seed_among(options[1:2]) is None


def test_the_output_is_a_folder_or_a_file() -> None:
    assert folder_text(option("out", "runs/one")) == "${dir}"
    assert folder_text(option("out", "runs/log.csv")) == "${dir}/log.csv"
    assert folder_text(option("out", None)) == "${dir}"


def test_at_most_three_factors_the_most_promising_first() -> None:
    options = [
        option("lr", 0.1),
        option("hidden", 32),
        option("model", "mlp", choices=("mlp", "cnn")),
        option("dropout", 0.5),
        option("augment", False, OptionKind.SWITCH),
        option("verbose", False, OptionKind.SWITCH),
        option("epochs", 10),
        option("name", "x"),
    ]
    factors = chosen_factors(options)
    assert [factor.name for factor in factors] == ["augment", "model", "dropout"]
    assert len(factors) == MOST
    assert all(factor.reason for factor in factors)


@pytest.mark.parametrize(
    ("name", "default", "levels"),
    [
        ("lr", 0.01, (0.01, 0.003)),
        ("learning_rate", 3e-4, (3e-4, 1e-4)),
        ("dropout_rate", 0.5, (0.5, 0.0)),
        ("weight-decay", 0, (0, 1e-4)),
        ("lr_decay", 0.5, (0.5, 0.2)),
        ("hidden_size", 64, (64, 128)),
        ("temperature", 0.07, (0.07, 0.04)),
        ("offset", 0, None),
        ("n_samples", 10, None),
    ],
)
def test_the_second_level_of_a_number(name: str, default: float, levels: tuple[float, float] | None) -> None:
    factors = chosen_factors([option(name, default)])
    assert [factor.levels for factor in factors] == ([] if levels is None else [levels])
