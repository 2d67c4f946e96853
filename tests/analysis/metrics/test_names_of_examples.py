"""Examples by their names, through a store: in any order, other ones, fewer, and in clusters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import Contrast
from ablate.analysis.estimation.single_seed import CLUSTERED_T, PAIRED_T
from ablate.analysis.loading import load
from ablate.analysis.results import TESTED_ON
from ablate.report.formats import FORMATS
from ablate.store import find_store
from tests.conftest import Ablate

STUDY = """
study: named
trainer: simulated
primary: {primary}
delta: {delta}
config:
  metrics: [rates, loss]
  queries: 60
{config}
factors:
  a: {{sets: settings.a, levels: [off, on]}}
  b: {{sets: settings.b, levels: [off, on]}}
design: [{{grid: {{a: [off, on], b: [off, on]}}}}]
"""


def run(ablate: Ablate, *config: str, primary: str = "loss", about: str = "") -> Analysis:
    """The analysis of a study of four rows and one seed with these further lines of config."""
    delta = 0.02 if primary == "loss" else 0.5
    lines = "\n".join(f"  {line}" for line in config)
    Path("named.yaml").write_text(STUDY.format(primary=primary, delta=delta, config=lines))
    Path("results/ablate.db").unlink(missing_ok=True)
    assert ablate("run", "named.yaml", "--executor", "inline").code == 0
    store = find_store("results/ablate.db")
    assert store is not None
    return analyse(load(store, "named", about=about))


def said(analysis: Analysis) -> list[tuple[Any, ...]]:
    contrasts = [one.estimate for one in analysis.contrasts]
    return [(one.verdict, one.method, one.effect, one.p, one.interval) for one in contrasts]


def with_b(contrast: Contrast) -> bool:
    """True if the two rows differ in b, so that a defect of the rows with it is in one of them only."""
    return "b" in contrast.differs


@pytest.mark.parametrize("more", [(), ("clusters: 12",)], ids=["independent", "clusters"])
@pytest.mark.parametrize("primary", ["loss", "top1"])
def test_the_order_of_named_examples_changes_nothing(ablate: Ablate, primary: str, more: tuple[str, ...]) -> None:
    plain, shuffled = (said(run(ablate, f"ids: {ids}", *more, primary=primary)) for ids in ("none", "shuffled"))
    numbers = [[value for one in each for value in (one[2], one[3], *one[4])] for each in (plain, shuffled)]
    assert [one[:2] for one in shuffled] == [one[:2] for one in plain]
    assert numbers[1] == pytest.approx(numbers[0], rel=1e-6)


def test_other_names_are_other_examples(ablate: Ablate) -> None:
    """Equal numbers of examples do not make them the same: such rows are neither paired nor ranked."""
    analysis = run(ablate, "ids: shuffled", "broken: [{gives: renamed, when: {b: on}}]")
    for contrast in analysis.contrasts:
        assert (TESTED_ON in contrast.undeclared) == with_b(contrast)
    assert analysis.best == frozenset()


@pytest.mark.parametrize("ids", ["none", "ordered", "shuffled"])
@pytest.mark.parametrize("spoilt", ["loss", "top1"])
def test_a_metric_of_fewer_examples_than_have_names_is_paired_with_none(ablate: Ablate, ids: str, spoilt: str) -> None:
    """A metric's examples may be fewer than those of the others; every format has an answer."""
    analysis = run(ablate, f"ids: {ids}", f"broken: [{{metric: {spoilt}, gives: fewer, when: {{b: on}}}}]")
    if spoilt == "loss":
        for contrast in analysis.contrasts:
            assert contrast.estimate.effect is not None
            if with_b(contrast):
                assert contrast.estimate.p is None
            elif contrast.before.levels["b"] == "off":
                assert contrast.estimate.method == PAIRED_T
    for render in FORMATS.values():
        assert render(analysis, False)


@pytest.mark.slow
def test_clusters_without_names_are_paired_by_position(ablate: Ablate) -> None:
    analysis = run(ablate, "clusters: 12")
    assert {contrast.estimate.method for contrast in analysis.contrasts} == {CLUSTERED_T}
    other = run(ablate, "clusters: 12", "broken: [{gives: fewer, when: {b: on}}]")
    for contrast in other.contrasts:
        assert (TESTED_ON in contrast.undeclared) == with_b(contrast)


def test_examples_of_a_seed_without_a_value_are_not_needed(ablate: Ablate) -> None:
    """Of two seeds, one has no number for some rows: the other one is compared example by example."""
    analysis = run(ablate, "broken: [{metric: loss, gives: nan, when: {b: on}, seeds: [1]}]\nseeds: [0, 1]")
    for contrast in analysis.contrasts:
        if with_b(contrast):
            assert (contrast.estimate.method, contrast.estimate.seeds) == (PAIRED_T, 1)
            assert np.isfinite(contrast.estimate.effect or np.nan)
