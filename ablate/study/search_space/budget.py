"""The budget of a search: its trials, hours and seeds that make no sense, or cannot be."""

from collections.abc import Iterator, Sequence

from ablate.study.reading.problems import Problems
from ablate.study.reading.seeds_and_looks import LARGEST_SEED
from ablate.study.search_space.space import GRID, MEDIAN, SearchSpec

PRUNED_FROM = 6
"""The pruner `median` ends no candidate before this one, because it waits for five that have finished."""
SHORT_HOURS = 0.01
"""Hours below which a search hardly starts a second trial."""


def check_fresh_seeds(search: SearchSpec | None, seeds: Sequence[int], problems: Problems) -> None:
    """Record a search whose finalists would need seeds beyond the largest."""
    if search and seeds and seeds[0] + search.finalist_seeds >= LARGEST_SEED:
        problems.add(
            ("seeds",),
            f"the search has seed {seeds[0]}, and its finalists the {search.finalist_seeds} seeds after it, beyond "
            f"the largest, {LARGEST_SEED - 1}; begin with a smaller seed",
        )


def budget_warnings(search: SearchSpec) -> Iterator[str]:
    """Yield a sentence for each number that is valid but hardly meant."""
    trials = search.trials
    if trials is not None and trials <= search.top and search.sampler != GRID:
        yield (
            f"search.finalists.top is {search.top}, and search.trials is {trials}: every trial becomes a finalist, so "
            "that the search chooses nothing; use more trials or fewer finalists"
        )
    if search.finalist_seeds == 1:
        yield (
            "search.finalists.seeds is 1: one seed has no spread, so that no verdict on a finalist is possible; use 2 "
            "or more"
        )
    if search.pruner == MEDIAN and trials is not None and trials < PRUNED_FROM:
        yield f"search.pruner median stops no trial before number {PRUNED_FROM}, and search.trials is {trials}"
    if search.hours is not None and search.hours < SHORT_HOURS:
        yield f"search.hours is {search.hours:g}, which is {3600 * search.hours:.3g} s: it hardly starts a second trial"
