"""The form of run names."""

import pytest

from ablate.errors import SourceError
from ablate.imports.folders.names.forms import NameForm, form_settings, typed


@pytest.mark.parametrize(
    ("form", "name", "settings"),
    [
        ("{arch}_{on}_{house}_s{s}", "vit_no_refit_2_s4", {"arch": "vit", "on": "no", "house": "refit_2", "s": 4}),
        ("{arm}-{seed}", "no-norm-3", {"arm": "no", "seed": "norm-3"}),
        ("{arm}/{seed}", "out/deep/base/7", {"arm": "base", "seed": 7}),
        ("lr{lr}+wd{wd}", "lr1e-3+wd0.0", {"lr": 0.001, "wd": 0.0}),
        ("{a}.*{b}", "x.*y", {"a": "x", "b": "y"}),
    ],
)  # fmt: skip
def test_fields_of_a_name(form: str, name: str, settings: dict[str, object]) -> None:
    assert NameForm.parsed(form).settings(name) == settings


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("seed", "needs a field"),
        ("{a}{b}", "follow one another"),
        ("{a}_{a}", "there twice"),
        ("{}_x", "has no name"),
        ("{a}_{", "curly brackets"),
    ],
)
def test_a_form_that_cannot_be_used(form: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        NameForm.parsed(form)


def test_every_name_that_is_not_of_the_form_is_reported() -> None:
    with pytest.raises(SourceError, match="2 of 3 names") as error:
        form_settings("run_{arm}_s{seed}", ["run_a_s1", "run_b_x", "test"])
    assert "'run_b_x': no part fits; the text '_s' after {arm} does not" in str(error.value)
    assert "'test': it does not begin with 'run_'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.10", 0.1), ("1e-3", 1e-3), ("True", True), ("on", "on"), ("1_000", "1_000"), ("9" * 30, "9" * 30)],
)
def test_values_of_texts(text: str, value: object) -> None:
    assert (typed(text), type(typed(text))) == (value, type(value))
