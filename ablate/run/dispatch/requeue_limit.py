"""A limit for trainings that stop by themselves again and again without any work, so that a run ends."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ablate.run.job import JobReport
from ablate.store.schema import FAILED, INTERRUPTED
from ablate.trainers.declared.reasons import with_more

MOST_REQUESTS = 20
"""The number of times in a row that a training may stop by itself at once; then it has failed."""

SHORTEST_SECONDS = 1.0
"""Seconds. A training that ran for longer has worked, and may stop by itself as often as it likes."""


@dataclass
class RequeueLimit:
    """Counts how often in a row each training has stopped by itself at once, without a newer checkpoint."""

    requests: Counter[str] = field(default_factory=Counter)
    """{training key: number of such ends in a row}."""
    reached: dict[str, int] = field(default_factory=dict)
    """{training key: step of its newest checkpoint at the last of them}."""

    def judged(self, key: str, report: JobReport, checkpoint_step: Callable[[str], int]) -> JobReport:
        """Return the report of a training while no stop is requested; that of a failure once the limit is reached.

        `checkpoint_step` returns the step of a training's newest checkpoint.
        """
        if report.state != INTERRUPTED or report.seconds >= SHORTEST_SECONDS:
            self.requests.pop(key, None)
            return report
        step = checkpoint_step(key)
        if step > self.reached.get(key, 0):
            self.requests.pop(key, None)
        self.reached[key] = step
        self.requests[key] += 1
        if self.requests[key] < MOST_REQUESTS:
            return report
        times = f"so ended {self.requests.pop(key)} attempts in a row, each within {SHORTEST_SECONDS:g} s and without"
        more = f"; {times} progress; see that each continues from the saved state"
        return replace(report, state=FAILED, reason=with_more(report.reason, more))
