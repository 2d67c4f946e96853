"""`ablate plan`: what a run would do; runs nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import (
    DEFAULT_STORE,
    Only,
    Profile,
    Seeds,
    Settings,
    StoreUrl,
    StudyPath,
    all_settings,
    guarded,
    is_new,
)
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.cli.request import Request
    from ablate.study.model import Study
    from ablate.study.plan.plan import PlannedTrial
    from ablate.study.plan.time_estimate import Times
    from ablate.study.trials.identity import Trial


@guarded
def plan(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    only: Only = None,
    seeds: Seeds = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many workers to expect; default: as for `ablate run`.")
    ] = None,
    power: Annotated[
        bool, typer.Option("--power", help="Say, by simulation, what these rows and seeds would be able to show.")
    ] = False,
    effect: Annotated[
        list[str] | None,
        typer.Option(metavar="PP", help="--power: a guessed effect in percentage points; may be given again."),
    ] = None,
    seed_sd: Annotated[
        str | None,
        typer.Option(metavar="PP", help="--power: SD of a run's own shift, beside what its queries add."),
    ] = None,
    queries: Annotated[str | None, typer.Option(metavar="N", help="--power: queries of the test split.")] = None,
    base: Annotated[str | None, typer.Option(metavar="RATE", help="--power: the rate without any effect.")] = None,
    discordance: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="--power: share of queries on which two runs of one rate disagree."),
    ] = None,
) -> None:
    """Show the trials, which are done, stale and why, shared or pending, and what they cost; run nothing."""
    assumptions = {"--seed-sd": seed_sd, "--queries": queries, "--base": base, "--discordance": discordance}
    given = {name: text for name, text in assumptions.items() if text is not None}
    _check_power(power, [*(["--effect"] if effect else []), *given], bool(only))
    from ablate.cli.plan import text as plan_text
    from ablate.cli.request import read_request
    from ablate.run.devices import slots
    from ablate.study.plan.time_estimate import estimate

    request = read_request(path, profile, all_settings(settings, seeds), only)
    request, looked = _with_looks(store, request, path)
    planned, times = _look_up(store, request.selected)
    letters = plan_text.reasons(planned)
    count = len(slots(request.selected, workers))
    lines = [
        *_heading(request.study),
        *plan_text.row_lines(planned, letters),
        *plan_text.reason_lines(planned, letters),
        *plan_text.wrapped(plan_text.total(planned)),
        *plan_text.wrapped(looked),
        *plan_text.wrapped(plan_text.expectation(estimate(planned, times, count), count)),
    ]
    if request.study.search:
        lines += plan_text.wrapped(plan_text.searching(request.study.search))
    if power:
        lines += _power(request, store, effect or (), given)
    typer.echo("\n".join(lines))


def _power(request: "Request", store: str, effects: Sequence[str], given: Mapping[str, str]) -> Iterator[str]:
    """What the design would be able to show."""
    from ablate.cli.plan.power import ask, assume, read_options
    from ablate.cli.plan.power_text import power_lines

    options = read_options(effects, given)
    asked = ask(request.study)
    return power_lines(request.study, asked, assume(request, store, options), options.effects)


def _check_power(power: bool, given: Sequence[str], only: bool) -> None:
    """AblateError for options that go with --power without it, and for one that does not go with it."""
    if given and not power:
        raise AblateError(f"{', '.join(given)}: for --power alone, which is missing")
    if power and only:
        raise AblateError("--power is about the whole study, whose rows share the error; leave out --only")


def _heading(study: "Study") -> Iterator[str]:
    """What is asked, and what the designs cannot tell apart."""
    from ablate.cli.plan.text import wrapped
    from ablate.report.sections.aliases import alias_lines

    yield from wrapped(f"study {study.name}, profile {study.profile}: {study.question}".rstrip(": "), " " * 6)
    yield from alias_lines(study.aliases)


def _with_looks(url: str, request: "Request", path: Path) -> "tuple[Request, str]":
    """The request with the seeds that looks have asked for, and what there is to say of looks."""
    from ablate.cli.plan.text import look_line

    if is_new(url):
        return request, look_line(request.study)
    from ablate.store import find_store

    opened = find_store(url)
    if opened is None:
        return request, look_line(request.study)
    from ablate.adaptive.looks.schedule_state import stand

    course = stand(opened, request.study, path)
    if course is None:
        return request, ""
    chosen = {trial.label for trial in request.selected}
    wanted = course.trials(course.is_due(until_decided=False))
    selected = [trial for trial in wanted if trial.label in chosen]
    line = look_line(course.study, [row.seeds for row in course.taken], course.why)
    return replace(request, study=course.study, trials=wanted, selected=selected), line


def _look_up(url: str, selected: "Sequence[Trial]") -> "tuple[list[PlannedTrial], Times]":
    """How the trials stand in the store, if there is one, and how long finished ones like them took."""
    from ablate.study.plan.plan import StoredRecords, resolve
    from ablate.study.plan.time_estimate import shapes_to_run

    if is_new(url):
        return resolve(selected, StoredRecords()), {}
    from ablate.store import find_store

    opened = find_store(url)
    if opened is None:
        return resolve(selected, StoredRecords()), {}
    from ablate.store.staleness import read_records, read_times

    with opened.read() as connection:
        planned = resolve(selected, read_records(connection, selected))
        return planned, read_times(connection, shapes_to_run(planned))
