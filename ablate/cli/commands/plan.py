"""`ablate plan`: shows what a run would do. Nothing runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.messages import say
from ablate.cli.options import (
    DEFAULT_STORE,
    Only,
    Profile,
    Seeds,
    Settings,
    StoreUrl,
    StudyPath,
    guarded,
)
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.api.plan import StudyPlan
    from ablate.study.model import Study


@guarded
def plan(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    only: Only = None,
    seeds: Seeds = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Number of workers to expect. Default: as for `ablate run`.")
    ] = None,
    power: Annotated[
        bool, typer.Option("--power", help="Estimate, by simulation, which effects these rows and seeds can show.")
    ] = False,
    effect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIZE",
            help="With --power: a guessed effect, as reports print effects: percentage points of a rate, a ratio on a "
            "log scale. May be given several times.",
        ),
    ] = None,
    seed_sd: Annotated[
        str | None,
        typer.Option(
            metavar="SD",
            help="With --power: SD of a run's own shift, in the unit of effects; the noise of examples is added.",
        ),
    ] = None,
    examples: Annotated[
        str | None, typer.Option(metavar="N", help="With --power: number of examples in the test split.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="RATE", help="With --power: the rate without any effect, in [0, 1].")
    ] = None,
    discordance: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="With --power, of a rate: share of examples on which two runs of the same rate disagree.",
        ),
    ] = None,
    example_sd: Annotated[
        str | None,
        typer.Option(
            metavar="SD",
            help="With --power, of a mean: SD of the difference that one example has between two runs.",
        ),
    ] = None,
) -> None:
    """Show all trials with their states and the expected time; run nothing."""
    values = {
        "--seed-sd": seed_sd,
        "--examples": examples,
        "--base": base,
        "--discordance": discordance,
        "--example-sd": example_sd,
    }
    assumptions = {name: text for name, text in values.items() if text is not None}
    _check_power(power, [*(["--effect"] if effect else []), *assumptions], bool(only))
    from ablate.api.plan import plan_study

    study_plan = plan_study(
        path, store, profile=profile, settings=settings or (), seeds=seeds, only=only or (), workers=workers
    )
    for warning in study_plan.warnings:
        say(f"warning: {warning}")
    lines = list(_plan_lines(study_plan))
    if power:
        lines += _power_lines(study_plan, store, effect or (), assumptions)
    typer.echo("\n".join(lines))


def _plan_lines(plan: "StudyPlan") -> Iterator[str]:
    from ablate.cli.plan import text

    letters = text.reasons(plan.trials)
    yield from _heading(plan.study)
    yield from text.row_lines(plan.trials, letters)
    yield from text.reason_lines(plan.trials, letters)
    yield from text.wrapped(text.total(plan.trials))
    yield from text.unprepared_lines(plan.unprepared)
    if not plan.unprepared:
        yield from text.wrapped(text.look_line(plan.study, plan.looks_taken, plan.family_ended))
    yield from text.limit_lines(plan.request.limits, plan.study.metric(plan.study.primary))
    yield from text.wrapped(text.expectation(plan.time, plan.workers))
    if plan.study.search:
        yield from text.wrapped(text.searching(plan.study.search))


def _heading(study: "Study") -> Iterator[str]:
    """Yield the study's question, and the effects that its fractional designs cannot separate."""
    from ablate.cli.plan.text import wrapped
    from ablate.report.sections.aliases import alias_lines

    yield from wrapped(f"study {study.name}, profile {study.profile}: {study.question}".rstrip(": "), " " * 6)
    yield from alias_lines(study.aliases)


def _power_lines(
    plan: "StudyPlan", store: str, effects: Sequence[str], assumptions: Mapping[str, str]
) -> Iterator[str]:
    """Return the lines of `--power`."""
    from ablate.cli.plan.power import assume
    from ablate.cli.plan.power_family import ask
    from ablate.cli.plan.power_options import read_options
    from ablate.cli.plan.power_text import power_lines

    options = read_options(plan.study.metric(plan.study.primary), effects, assumptions)
    hypotheses = ask(plan.study, plan.request.trials)
    return power_lines(plan.study, hypotheses, assume(plan.request, store, options), options.effects)


def _check_power(power: bool, options: Sequence[str], only: bool) -> None:
    """Raise AblateError for options that need --power if it is missing, and for --only with --power."""
    if options and not power:
        work = "works" if len(options) == 1 else "work"
        raise AblateError(f"{', '.join(options)} {work} only together with --power; add --power")
    if power and only:
        raise AblateError("--power is about the whole study, whose rows share the error rate; leave out --only")
