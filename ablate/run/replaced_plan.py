"""The plan that a run replaces in the store: is it another file's, and which results does the new plan leave out?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from ablate.filesystem import exists
from ablate.store.plan_document import PlanDocument, StoredFactor
from ablate.store.plans import StoredPlan
from ablate.study.factors import Factor
from ablate.study.model import Study
from ablate.study.plan.trial_states import PlannedTrial


def other_file(before: PlanDocument | None, study: Study) -> str | None:
    """Return a sentence if the stored plan of a study's name is that of another file, with another content."""
    file = study.absolute_file
    if (
        before is None
        or before.file is None
        or file is None
        or before.file == file
        or _content(before) == _declared(study)
    ):
        return None
    shows = f", and `ablate report {quote(before.file)}` shows them" if exists(Path(before.file)) else ""
    return (
        f"study {study.name} ({study.profile}) in the store was last run from {before.file}; {file} has the same name "
        "and other factors or another question. A run of it replaces the plan that reports show. Earlier results stay "
        f"in the store{shows}. To keep both plans, give one of the files another name (`study: ...`)"
    )


def hidden_seeds(
    before: StoredPlan, planned: Sequence[PlannedTrial], finished: Callable[[set[str]], set[str]]
) -> dict[str, tuple[int, ...]]:
    """Return {row: seeds that have results in the store and are in no plan now}, for rows that the plan keeps.

    They are the seeds of the plan before, and those that it left out in turn. `finished` returns which of some trial
    keys have a result.
    """
    now: dict[str, dict[int, str]] = {}
    for item in planned:
        now.setdefault(item.trial.label, {})[item.trial.seed] = item.key
    is_same = before.document.config == planned[0].trial.config
    kept = {row.label: row.cells for row in before.rows if _is_kept(row.cells, now.get(row.label), is_same)}
    done = finished({key for label, cells in kept.items() for seed, key in cells.items() if seed not in now[label]})
    found: dict[str, set[int]] = {}
    for label, cells in kept.items():
        earlier = set(before.document.hidden.get(label, ())) - now[label].keys()
        found[label] = earlier | {seed for seed, key in cells.items() if key in done}
    return {label: tuple(sorted(seeds)) for label, seeds in found.items() if seeds}


def may_hide(before: PlanDocument, study: Study) -> bool:
    """Return True if a plan may leave out seeds of the plan before, whose rows take long to read if they are many."""
    return bool(before.hidden) or not set(before.seeds) <= set(study.seeds)


def _is_kept(before: Any, now: Any, is_same: bool) -> bool:
    """Return True if a row has the same trials in both plans, as far as they have seeds in common."""
    common = [seed for seed in now or () if seed in before]
    return all(before[seed] == now[seed] for seed in common) if common else bool(now) and is_same


def _content(before: PlanDocument) -> tuple[Any, ...]:
    return before.question, before.trainer, before.primary, before.factors


def _declared(study: Study) -> tuple[Any, ...]:
    return study.question, study.trainer, study.primary, tuple(map(stored_factor, study.factors))


def stored_factor(factor: Factor) -> StoredFactor:
    """Return a factor as a plan stores it."""
    return StoredFactor(factor.name, factor.sets, tuple(level.word for level in factor.levels), factor.baseline.word)
