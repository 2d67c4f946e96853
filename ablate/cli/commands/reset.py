"""`ablate reset`: queues rows again; what they gave stays as history."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, WRONG, StoreUrl, guarded
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.store.plans import StoredRow
    from ablate.store.queue.maintenance import TrialStatus

MOST_LISTED = 10


@guarded
def reset(
    study: Annotated[str, typer.Argument(help="The study, by its name in the store.")],
    rows: Annotated[list[str], typer.Argument(metavar="ROW...", help="Labels of rows, or patterns like 'margin=*'.")],
    store: StoreUrl = DEFAULT_STORE,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile that was run.")] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", metavar="N", help="Only this seed; may be given again.")
    ] = None,
) -> None:
    """Queue rows again. Their attempts and results stay as history, and count no more."""
    from ablate.cli.row_patterns import matching
    from ablate.run import maintenance
    from ablate.store import open_store, plans, require_store

    with require_store(store).read() as connection:
        name = plans.choose(connection, study, profile, store)
        plan = plans.read_plan(connection, name.study, name.profile)
    if plan.imported:
        raise AblateError(f"{study}: was imported from a log; there is nothing to run, so nothing to reset")
    of_label = {row.label: row for row in plan.rows}
    wanted = {label: _cells(of_label[label], seeds) for label in matching(of_label, rows, "ROW")}
    _check_seeds(wanted, seeds)
    opened = open_store(store)
    done = maintenance.reset(opened, plan.study, plan.profile, wanted)
    if done.queued:
        results = f"{done.results} result{'' if done.results == 1 else 's'}"
        typer.echo(f"queued again: {_listed(done.queued)}; {results} kept as history")
    if done.others:
        typer.echo(f"queued with them, as they share a training: {_listed(done.others, plan.study, plan.profile)}")
    if done.queued:
        command = "search" if plan.document.search else "run"
        typer.echo(f"next: ablate {command}, with the file of {plan.study}", err=True)
    for each, owner in done.running.items():
        typer.echo(
            f"not reset: {each.label}, seed {each.seed}: {owner} is running it; stop that run, or wait", err=True
        )
    if done.running:
        raise typer.Exit(WRONG)


def _cells(row: "StoredRow", seeds: Sequence[int] | None) -> dict[int, str]:
    return {seed: key for seed, key in row.cells.items() if seeds is None or seed in seeds}


def _check_seeds(wanted: dict[str, dict[int, str]], seeds: Sequence[int] | None) -> None:
    for seed in seeds or ():
        if not any(seed in cells for cells in wanted.values()):
            raise AblateError(f"--seed {seed}: the plan has no such seed of {', '.join(list(wanted)[:MOST_LISTED])}")


def _listed(standing: "Sequence[TrialStatus]", study: str = "", profile: str = "") -> str:
    """`plain, seeds 0, 1; normalized, seed 0`; with the study where it is another."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for each in standing:
        found.setdefault((each.study, each.profile, each.label), []).append(each.seed)
    words = []
    for (of_study, of_profile, label), seeds in list(found.items())[:MOST_LISTED]:
        where = f" of {of_study} ({of_profile})" if study and (of_study, of_profile) != (study, profile) else ""
        words.append(f"{label}{where}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}")
    more = len(found) - len(words)
    return "; ".join(words) + (f"; and {more} more row{'s' if more > 1 else ''}" if more else "")
