"""For any content of a study file, `ablate plan` exits with 0 or 2 and a reason, never with a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Ablate
from tests.support.examples import examples
from tests.support.paths import STUDIES
from tests.support.study_writer import Writer, mutated

SHAPED = st.randoms(use_true_random=False).map(lambda random: Writer(random).study())
MUTATED = st.randoms(use_true_random=False).map(mutated)
NESTED = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
RAW = st.text(max_size=80) | NESTED.map(lambda value: json.dumps({"study": "demo", "design": value, "factors": value}))
STUDY_TEXTS = st.one_of(SHAPED, SHAPED, SHAPED, MUTATED, MUTATED, RAW)


def check(ablate: Ablate, tmp_path: Path, text: str) -> int:
    path = tmp_path / "study.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    result = ablate("plan", path)
    assert result.code in (0, 2)
    assert (result.out if result.code == 0 else result.err).strip()
    assert "Traceback" not in result.err
    return result.code


def many(count: int) -> Callable[[Any], Any]:
    fixtures = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples(count), deadline=None, derandomize=True, suppress_health_check=fixtures)


@many(500)
@given(text=STUDY_TEXTS)
def test_no_study_gives_a_traceback(ablate: Ablate, tmp_path: Path, text: str) -> None:
    check(ablate, tmp_path, text)


@pytest.mark.slow
@many(10_000)
@given(text=STUDY_TEXTS)
def test_no_study_of_thousands_gives_a_traceback(ablate: Ablate, tmp_path: Path, text: str) -> None:
    check(ablate, tmp_path, text)


def test_the_writer_writes_right_and_wrong_studies(ablate: Ablate, tmp_path: Path) -> None:
    """Were all refused for the same slip, the tests above would show little."""
    codes = [check(ablate, tmp_path, Writer(Random(number)).study()) for number in range(60)]
    assert 5 <= codes.count(0) <= 55


def test_the_study_of_every_design_is_right(ablate: Ablate) -> None:
    assert ablate("plan", STUDIES / "designs.yaml").code == 0
