"""Worker processes that cannot begin, or die of what has no name."""

from multiprocessing.resource_tracker import ensure_running

import pytest

from ablate.errors import AblateError
from ablate.run.executors.processes import MOST_STILLBORN, Processes, _cause
from ablate.run.job import Job


def job(number: int) -> Job:
    return Job(f"key {number}", "simulated", [{}], 0, 1, "nowhere", 900.0)


def test_workers_that_cannot_start_end_the_run_and_blame_no_trial() -> None:
    """A Python that does not find its library ends at once, as one does whose package was taken away meanwhile."""
    ensure_running()  # Python's own helper process, which would not start either
    pool = Processes([{"PYTHONHOME": "/nonexistent"}], lambda key, progress: None, lambda: False)
    assert [ended(pool, number) for number in range(1, MOST_STILLBORN)] == ["abandoned"] * (MOST_STILLBORN - 1)
    with pytest.raises(AblateError, match=r"workers cannot start: .*exit code 1"):
        ended(pool, MOST_STILLBORN)
    pool.close()


def ended(pool: Processes, number: int) -> str:
    """How a job ended."""
    pool.submit(job(number))
    while not (found := list(pool.reports(0.5))):
        pass
    return found[0][1].state


@pytest.mark.parametrize(("exitcode", "words"), [(-9, "SIGKILL"), (-40, "signal 40"), (3, "exit code 3")])
def test_how_a_worker_ended_in_words(exitcode: int, words: str) -> None:
    assert words in _cause(exitcode)
