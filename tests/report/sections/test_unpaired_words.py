"""A report says why rows are not paired by seed, what to do, and what is missing for an interval."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ablate.analysis.analysis import Analysis, analyse
from ablate.measurement import Direction, Metric
from ablate.report.figures import forest
from ablate.report.formats import csv, latex, markdown, terminal
from ablate.report.formats import json as json_report
from ablate.report.sections import summary
from tests.support.analysis.value_studies import SQUARE, study_of_values

LOSS = Metric("loss", Direction.MINIMIZE)
NO_SEEDS = "no column has the seeds"
VALUES = np.array([[2.1, 2.3, 2.2, np.nan], [1.9, 1.7, 1.8, 1.85], [2.0, 2.4, 2.2, 2.6], [1.0, 1.1, 1.2, np.nan]])


def analysed(values: np.ndarray = VALUES, **document: Any) -> Analysis:
    study = study_of_values(LOSS, 0.1, SQUARE, values, **{"unpaired": NO_SEEDS, **document})
    return analyse(replace(study, imported=True, document=replace(study.document, declared=True)))


def of_means(**known: Any) -> Analysis:
    summaries = {f"row {at}": {"loss": {"sd": 0.1, "seeds": 5}} for at in range(1, 4)}
    return analysed(VALUES[:, 1:2], summaries={**summaries, "row 4": {"loss": {"sd": 0.1, "seeds": 5, **known}}})


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("render", [terminal.render, markdown.render, latex.render])
def test_every_format_gives_the_reason_the_remedy_and_the_method(render: Any) -> None:
    text = in_one_line(render(analysed()).replace("\\_", "_").replace("%", " %"))
    assert "not paired by seed: no column has the seeds" in text
    assert "3 to 4 runs per row" in text
    assert "Welch, unpaired" in text
    assert "seed COLUMN" in text.replace("{}", "").replace("--", "")


def test_tables_and_verdicts_count_runs_and_no_seeds() -> None:
    text = in_one_line(terminal.render(analysed(), width=120))
    assert "more runs per row would decide it" in text
    assert "more seed" not in text
    wide = in_one_line(markdown.render(analysed()))
    assert "| 3 and 4 | Welch, unpaired |" in wide


def test_the_gain_of_pairing_is_that_of_the_paired_interval() -> None:
    values = VALUES.copy()
    values[[0, 3], 3] = [2.4, 1.3]
    sentence = next(line for line in summary.summary(analysed(values)) if line.startswith("With runs paired"))
    sds = values.std(axis=1, ddof=1)
    shares = []
    for correlation in (0.5, 0.9):
        widths = []
        for one in range(4):
            for other in range(one + 1, 4):
                welch = stats.ttest_ind(values[other], values[one], equal_var=False).confidence_interval(0.95)
                variance = sds[one] ** 2 + sds[other] ** 2 - 2 * correlation * sds[one] * sds[other]
                paired = 2 * stats.t.ppf(0.975, 9) * np.sqrt(variance / 4)
                widths.append(paired / (welch.high - welch.low))
        shares.append(round(100 * (1 - np.median(widths))))
    assert f"about {shares[0]} % narrower at a correlation of 0.5" in sentence
    assert f"about {shares[1]} % narrower at a correlation of 0.9" in sentence


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"seeds": None}, "it is not known over how many runs the mean and the SD are"),
        ({"sd": None}, "the SD of the runs is not known"),
        ({"sd": None, "seeds": None}, "only the mean is known"),
        ({"seeds": 1}, "one run does not show how much runs vary"),
    ],
)
def test_the_report_says_what_is_missing_for_an_interval(known: dict[str, Any], words: str) -> None:
    analysis = of_means(**known)
    assert any(line.startswith(f"Row 4 (row 4): {words}") for line in summary.summary(analysis))
    text = terminal.render(analysis, width=120)
    assert "Nothing is claimed, as" in text
    assert "cannot tell" in text


def test_means_alone_claim_nothing() -> None:
    alone = {f"row {at}": {"loss": {"sd": None, "seeds": None}} for at in range(1, 5)}
    analysis = analysed(VALUES[:, 1:2], summaries=alone)
    text = in_one_line(terminal.render(analysis))
    assert "An unknown number of runs per row. No contrast has an interval, so nothing is claimed." in text
    assert "no intervals" in summary.footer(analysis)[0]
    assert "With runs paired" not in text
    assert "Welch" not in text


def test_the_spread_of_a_mean_is_named_as_an_assumption() -> None:
    assert any("is taken for the SD of its runs" in line for line in summary.summary(of_means()))
    assert not any("is taken for the SD" in line for line in summary.summary(analysed()))


def test_a_bundle_is_named_with_its_keys() -> None:
    study = analysed().results
    first, second = study.document.factors
    factors = (replace(first, name="a", bundle=("lr", "decay")), second)
    analysis = analyse(replace(study, document=replace(study.document, factors=factors)))
    text = in_one_line(terminal.render(analysis, width=120))
    assert (
        "a: lr and decay always vary together in these runs, so a change cannot be attributed to one of them." in text
    )


class TestData:
    def test_json_has_the_reason_the_summaries_and_what_is_lacking(self) -> None:
        report = json.loads(json_report.render(of_means(seeds=None)))
        assert report["unpaired"] == NO_SEEDS
        assert report["summaries"]["row 4"] == {"loss": {"sd": 0.1, "seeds": None}}
        by_pair = {(one["from"], one["to"]): one for one in report["contrasts"]}
        assert by_pair["row 1", "row 2"]["method"] == "welch"
        assert "lacking" not in by_pair["row 1", "row 2"]
        assert (by_pair["row 3", "row 4"]["lacking"], by_pair["row 3", "row 4"]["ci"]) == ("no_number", None)

    def test_json_of_pairs_has_neither(self) -> None:
        report = json_report.document(analyse(study_of_values(LOSS, 0.1, SQUARE, VALUES)))
        assert (report["unpaired"], report["summaries"]) == (None, {})

    def test_csv_has_the_number_of_runs_of_each_mean_and_the_reason(self) -> None:
        header, *lines = (line.split(",") for line in csv.render(of_means(seeds=None)).splitlines())
        rows = [dict(zip(header, line, strict=True)) for line in lines]
        assert [row["seeds"] for row in rows] == ["5", "5", "5", ""]
        assert {row["unpaired"] for row in rows} == {NO_SEEDS}
        assert "unpaired" not in csv.render(analyse(study_of_values(LOSS, 0.1, SQUARE, VALUES))).splitlines()[0]


def test_few_runs_next_to_many_are_warned_of() -> None:
    values = np.random.default_rng(0).normal(2.0, 0.1, (4, 6))
    assert "few runs" not in " ".join(summary.summary(analysed(values)))
    values[2, 3:] = np.nan
    (line,) = (line for line in summary.summary(analysed(values)) if "few runs" in line)
    assert line.startswith("Row 3 (row 3): few runs next to a row of 6.")


def test_a_figure_draws_a_bundle_as_confounded() -> None:
    study = analysed().results
    first, second = study.document.factors
    factors = (replace(first, bundle=("lr", "decay")), second)
    analysis = analyse(replace(study, document=replace(study.document, factors=factors)))
    lines = forest.forest(analysis)
    assert {line.kind for line in lines if "a off → on" in line.change} == {forest.CONFOUNDED}
    assert {line.kind for line in lines if "b off → on" in line.change} >= {forest.STEP, forest.FACTOR}
    assert "several runs" in [entry.get_label() for entry in forest.legend_entries(lines, analysis.results)]
