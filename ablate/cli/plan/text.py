"""The text of a plan: a line a row, the reasons for stale results, the amount of work, and the time that it takes."""

import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_lowercase

from ablate.cli.hints import typeable
from ablate.cli.terminal import columns
from ablate.measurement import TEST, Metric
from ablate.report import units
from ablate.study.factors import level_text
from ablate.study.model import Study
from ablate.study.plan.limits import RowLimits
from ablate.study.plan.staleness_reasons import IdentityChange
from ablate.study.plan.time_estimate import TimeEstimate, to_evaluate, to_train
from ablate.study.plan.trial_states import ACCEPTED, STALE, PlannedTrial
from ablate.study.search_space.space import ChoiceDimension, Dimension, SearchSpec
from ablate.study.trials.identity import REFERENCE
from ablate.text import duration, plural

WIDTH = 79
NO_BREAK = "\N{NO-BREAK SPACE}"
Reasons = Mapping[tuple[IdentityChange, ...], str]
"""{changes since the result: the letter that stands for them}."""

_ABOUT = {
    STALE: "Stale: the result is from before something changed. `ablate run` runs the trial again, or keeps the result "
    "with --accept-stale.",
    ACCEPTED: "Accepted: kept although stale, until the row is reset or something else changes.",
}


def reasons(planned: Sequence[PlannedTrial]) -> Reasons:
    """Return a letter for each list of changes that makes results stale or accepted, in order of appearance."""
    reasons = dict.fromkeys(item.older.changes for item in planned if item.older and item.state in _ABOUT)
    return {changes: _letters(number) for number, changes in enumerate(reasons)}


def row_lines(planned: Sequence[PlannedTrial], letters: Reasons) -> Iterator[str]:
    """Yield a line for each row, such as `  2 done, 1 stale a  normalized`."""
    by_label: dict[tuple[str, str], list[str]] = {}
    for item in planned:
        reason = f" {letters[item.older.changes]}" if item.older and item.state in _ABOUT else ""
        by_label.setdefault((item.trial.label, item.trial.kind), []).append(item.state + reason)
    for (label, kind), states in by_label.items():
        yield f"  {_counted(states):<10} {label}{' (reference)' if kind == REFERENCE else ''}"


def reason_lines(planned: Sequence[PlannedTrial], letters: Reasons) -> Iterator[str]:
    """Yield each reason once, with its number of trials and the changes."""
    for state, about in _ABOUT.items():
        counts = Counter(item.older.changes for item in planned if item.older and item.state == state)
        if counts:
            yield from wrapped(about)
        for changes, count in counts.items():
            yield f"  {letters[changes]}  {plural(count, 'trial')}, because since then"
            for change in changes:
                yield from textwrap.wrap(change.text, width(), initial_indent=" " * 7, subsequent_indent=" " * 9)


def unprepared_lines(reasons: Sequence[str]) -> Iterator[str]:
    """Yield why the content of data is not known yet, what prepares them, and how their rows are shown."""
    for reason in reasons:
        yield from wrapped(f"{reason}. Until then, rows with these data are shown as pending.")


def look_line(study: Study, taken: Sequence[int] = (), why: str | None = None) -> str:
    """Return `looks at 2, 3, 5 seeds: 8 trials at the first, 20 at most; taken so far: 2, 3`; empty without looks.

    `taken` holds the seeds of each look so far; `why` is why their family has ended.
    """
    if not study.looks:
        return ""
    rows, looks = len(study.rows), study.looks
    counts = f"{plural(rows * looks[0], 'trial')} of rows at the first, {rows * looks[-1]} at most"
    so_far = f"taken so far: {_listed(taken)}" if taken else "none taken yet"
    ended = f", and a new family begins: {why}" if why else ""
    return f"looks at {_listed(looks)} seeds: {counts}; {so_far}{ended}"


def total(planned: Sequence[PlannedTrial]) -> str:
    """Return `9 rows × 3 seeds: 27 trials, 18 trainings (9 trials are free: ...), of which 12 to run`."""
    references = len({item.trial.label for item in planned if item.trial.kind == REFERENCE})
    rows = len({item.trial.label for item in planned}) - references
    trainings = len({item.trial.training_key for item in planned})
    shared, evaluations = len(planned) - trainings, len(to_evaluate(planned))
    text = plural(rows, "row") + (f" and {plural(references, 'reference')}" if references else "")
    text += f" × {_seeds(planned)}: {plural(len(planned), 'trial')}, {plural(trainings, 'training')}"
    if shared:
        text += f" ({plural(shared, 'trial')} {'is' if shared == 1 else 'are'} free: a training is shared)"
    text += f", of which {len(to_train(planned))} to run"
    return text + (f" and {evaluations} only to evaluate" if evaluations else "")


def _seeds(planned: Sequence[PlannedTrial]) -> str:
    """Return `3 seeds`, or `2 to 5 seeds` if rows differ. References count only if there are no rows."""
    counts = Counter(item.trial.label for item in planned if item.trial.kind != REFERENCE)
    numbers = sorted(counts.values() or Counter(item.trial.label for item in planned).values())
    return plural(numbers[0], "seed") if numbers[0] == numbers[-1] else f"{numbers[0]} to {numbers[-1]} seeds"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def expectation(cost: TimeEstimate, workers: int) -> str:
    """Return the expected time and its source; empty if there is nothing to train."""
    unknown = f"{plural(cost.unknown, 'training')} of {plural(cost.shapes, 'shape')}"
    lacking = f"time unknown for {unknown}: no such training has finished yet"
    if not cost.known:
        return lacking if cost.unknown else ""
    known = f"about {duration(max(1.0, cost.seconds))} with {plural(workers, 'worker')}"
    source = f"from {plural(cost.finished, 'finished training')} of the same shape"
    return f"{known}, {source}" + (f"; {lacking}" if cost.unknown else "")


def limit_lines(limits: Sequence[RowLimits], primary: Metric) -> Iterator[str]:
    """Yield `test: 12 of 13 examples can be answered; accuracy is at most 92.31 %` for rows with such limits."""
    for shared in limits:
        test = shared.on(TEST)
        if test is None or not (test.unanswerable or test.ends(primary) != primary.bounds):
            continue
        reachable = units.range_text(primary, test.ends(primary))
        value = f"; {primary.name} is {reachable}" if reachable else ""
        rows = f" ({plural(len(shared.rows), 'row')})" if len(limits) > 1 else ""
        answered = f"test: {test.answerable:,} of {test.counted}"
        yield from wrapped(f"{answered} can be answered{value}{rows}")


def searching(search: SearchSpec) -> str:
    """Return `search: margin 0.05 to 1; tpe for loss, 40 trials, then 3 finalists and ... with 5 seeds: ...`."""
    space = ", ".join(f"{dimension.name} {_extent(dimension)}" for dimension in search.dimensions)
    method = search.sampler + (f" with {search.pruner} pruning" if search.pruner else "")
    trials = search.trials
    budget = [plural(trials, "trial")] if trials is not None else []
    budget += [f"{search.hours:g} {'hour' if search.hours == 1 else 'hours'}"] if search.hours is not None else []
    finalists = f"{plural(search.top, 'finalist')} and the baseline with {plural(search.finalist_seeds, 'seed')}"
    of_finalists = (search.top + 1) * search.finalist_seeds
    total = f"{plural(of_finalists, 'training')} more"
    if trials is not None:
        total = f"up to {plural(trials + of_finalists, 'training')}"
    goal = ", ".join(search.names)
    return f"search: {space}; {method} for {goal}, {' or '.join(budget)}, then {finalists}: {total}"


def _extent(dimension: Dimension) -> str:
    if isinstance(dimension, ChoiceDimension):
        return "|".join(level_text(choice.name) for choice in dimension.choices)
    notes = [*(["log"] if dimension.log else []), *(["whole numbers"] if dimension.is_whole else [])]
    by = f" ({', '.join(notes)})" if notes else ""
    if dimension.step is not None:
        by = f" by {dimension.step:g}"
    return f"{dimension.low:g} to {dimension.high:g}{by}"


def width() -> int:
    """Return the columns of a plan's text: WIDTH, or fewer on a narrow terminal."""
    return min(WIDTH, (columns(sys.stdout) or WIDTH + 1) - 1)


def wrapped(text: str, indent: str = "  ", first: str = "") -> list[str]:
    """Return the text in lines of at most `width()` columns. Commands between backticks, and `80 %`, are not broken.

    `first` and `indent`: the beginnings of the first line and of the others.
    """
    glued = re.sub(r"`[^`\n]*`", lambda command: command[0].replace(" ", NO_BREAK), typeable(text))
    glued = re.sub(r"(?<=\d) (?=%|pp\b)", NO_BREAK, glued)
    lines = textwrap.wrap(
        glued,
        width(),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(NO_BREAK, " ") for line in lines]


def _counted(states: Sequence[str]) -> str:
    """Return `done`, or `2 done, 1 pending` if the states of a row's seeds differ."""
    if len(states) == 1 or len(counted := Counter(states)) == 1:
        return states[0]
    return ", ".join(f"{count} {state}" for state, count in counted.items())


def _letters(number: int) -> str:
    """Return a, b, ... z, aa, ab, ... for 0, 1, ..."""
    text = ""
    number += 1
    while number:
        number, last = divmod(number - 1, len(ascii_lowercase))
        text = ascii_lowercase[last] + text
    return text
