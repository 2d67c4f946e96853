"""Which rules contradict one another: a search over the levels that rules mention, within a budget."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

BUDGET = 300_000
"""Looks at a rule, for all questions of one file; with it spent, whatever is asked counts as possible."""

Choices = Mapping[int, frozenset[int]]
"""{position of a factor: level numbers}."""


def contradictions(
    outs: Sequence[Choices], levels: Choices, questions: Iterable[Choices]
) -> Iterator[tuple[Choices, list[int]]]:
    """The questions that no combination answers: (what it should have, the rules that together prevent it).

    A rule is broken by a combination that has one of its levels at each of its positions. Of the rules given
    back none can be left out.
    """
    search = _Search(outs, levels)
    for wanted in questions:
        culprits = list(range(len(outs)))
        if search.possible(culprits, wanted):
            continue
        for index in range(len(outs)):
            fewer = [other for other in culprits if other != index]
            if not search.possible(fewer, wanted):
                culprits = fewer
        yield wanted, culprits


class _Search:
    def __init__(self, outs: Sequence[Choices], levels: Choices) -> None:
        self.outs, self.levels, self.budget = outs, levels, BUDGET

    def possible(self, rules: Sequence[int], wanted: Choices) -> bool:
        """Whether some combination has the wanted levels and breaks none of the rules."""
        waiting = [{**self.levels, **wanted}]
        while waiting and self.budget > 0:
            levels = waiting.pop()
            ways = self._fewest_ways_out(rules, levels)
            if ways is None:
                return True
            waiting += [{**levels, position: left} for position, left in reversed(ways)]
        return bool(waiting)

    def _fewest_ways_out(self, rules: Sequence[int], levels: Choices) -> list[tuple[int, frozenset[int]]] | None:
        """For the rule that is hardest to keep, the ways to keep it: (position, levels left); None if all are kept."""
        fewest: list[tuple[int, frozenset[int]]] | None = None
        for index in rules:
            self.budget -= 1
            out = self.outs[index]
            if any(levels[position].isdisjoint(numbers) for position, numbers in out.items()):
                continue
            ways = [(p, left) for p, numbers in out.items() if (left := levels[p] - numbers)]
            if fewest is None or len(ways) < len(fewest):
                fewest = ways
            if not fewest:
                break
        return fewest
