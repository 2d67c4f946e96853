"""Values that every result has are shown as values, also if they are compared by their logarithms."""

import numpy as np
import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.reproduction.settings_diff import setting_differences
from ablate.measurement import RATE, Direction, Display, Kind, Metric, Scale
from ablate.report.sections.summary import summary
from tests.support.analysis.value_studies import SQUARE, study_of_values

SHARE = Metric("share", kind=Kind.PROPORTION, bounds=(0.0, 1.0), scale=Scale.LOG, display=RATE)
SECONDS = Metric(
    "seconds", Direction.MINIMIZE, unit="s", scale=Scale.LOG, display=Display(unit="s", difference_unit="s")
)


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_share_of_1_everywhere_is_100_percent_on_a_log_scale_too(seeds: int) -> None:
    analysis = analyse(study_of_values(SHARE, 1.05, SQUARE, np.ones((4, seeds)), n=100))
    assert analysis.constant == 1
    assert {one.estimate.constant for one in (*analysis.contrasts, *analysis.effects)} == {1}
    assert any("Every share result is 100.00 %" in line for line in summary(analysis))


def test_the_delta_of_ratios_has_no_unit() -> None:
    values = np.array([[1.0, 1.2], [1.5, 1.4], [1.1, 1.3], [1.6, 1.2]])
    ours, theirs = (study_of_values(SECONDS, delta, SQUARE, values) for delta in (1.05, 1.1))
    assert [(one.what, one.ours, one.theirs) for one in setting_differences(ours, theirs)] == [("delta", "1.05", "1.1")]
