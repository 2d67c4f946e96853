"""Contrasts, effects and interactions as tables, and their verdicts as sentences."""

from collections.abc import Sequence

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import CONFOUNDED, DIRECT, Contrast
from ablate.analysis.effects import ADDITIVE, NONE, Effect, Interaction
from ablate.analysis.estimation.estimates import includes_0
from ablate.analysis.estimation.estimators import POOLED_T, SEPARATE_T
from ablate.analysis.results import StudyResults
from ablate.report import units, wording
from ablate.report.sections.aliases import alias_sentences
from ablate.report.sections.summary import family
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.report.unpaired import is_unpaired, runs_of
from ablate.text import listed

MOST_SENTENCES = 8
MOST_INTERACTIONS = 6
MOST_AGAINST = 5
MOST_LINES = 16
MORE = "see --format json"
P_HOLM, P_ALONE = "p Holm", "p"
"""The headings of p: adjusted for the family, and of a metric without verdicts, not adjusted."""
SIMULTANEOUS = "simultaneous: the interval that holds for all effects together."
WEIGHT = {
    verdicts.BETTER: 0,
    verdicts.WORSE: 0,
    verdicts.CHECKPOINTS_DIFFER: 0,
    verdicts.BETTER_BELOW_DELTA: 1,
    verdicts.WORSE_BELOW_DELTA: 1,
    verdicts.NO_EFFECT: 1,
    verdicts.NOT_ESTIMABLE: 3,
}
"""The order in which verdicts are listed, smallest first; verdicts that are not named have weight 2."""


def contrasts(analysis: Analysis, every: Sequence[Contrast], most: int) -> list[ReportSection]:
    """Return the contrasts of the family, then the direct contrasts outside it, as one table each.

    `every`: all contrasts that the analysis lists.
    """
    in_family = by_weight([c for c in every if c.in_family])
    outside = by_weight([c for c in every if not c.in_family and c.identified == DIRECT])
    sections = []
    if in_family:
        words = "Contrasts tested as one family" if analysis.results.is_primary else "Contrasts of the family"
        title = f"{words} ({family(analysis.family)}){units.in_title(analysis.results.metric)}"
        sections.append(_contrasts(analysis, title, in_family, most))
    if outside:
        adjusted = ", adjusted among themselves" if analysis.results.is_primary else ""
        title = f"Direct contrasts outside the family{adjusted}{units.in_title(analysis.results.metric)}"
        sections.append(_contrasts(analysis, title, outside, most))
    if not in_family and not outside and len(analysis.results.rows) > 1:
        sections.append(ReportSection("Contrasts", notes=["No two rows differ in exactly one factor."]))
    return sections


def effects(analysis: Analysis, most: int) -> ReportSection:
    """Return the effect of each level of each factor, estimated from all rows."""
    judged = analysis.results.is_primary
    columns = [
        Column("factor", flex=2),
        Column("estimated from", flex=1, under=True),
        Column(f"effect, {wording.percent(1 - analysis.results.alpha)}", "r"),
        *([Column("simultaneous", "r", wide=True)] if judged else []),
        Column(P_HOLM if judged else P_ALONE, "r"),
        Column("verdict", flex=1),
        Column(f"{wording.run_word(analysis.results)}s", "r", wide=True),
    ]
    rows: list[list[str | Cell]] = [
        [
            f"{e.factor} {wording.level(e.baseline)} → {wording.level(e.level)}",
            identified(e),
            wording.change(e),
            *([wording.simultaneous(e.estimate)] if judged else []),
            wording.p_value(e.estimate.p_holm if judged else e.estimate.p),
            Cell(wording.phrase(e), doubtful=e.identified == NONE),
            str(e.estimate.seeds or wording.NOTHING),
        ]
        for e in analysis.effects[:most]
    ]
    shown = analysis.effects[:most]
    notes = [*_effect_notes(analysis, shown), *_more(len(analysis.effects), most, "effect")]
    notes += [*wording.more_seeds_note(shown, analysis.results)]
    notes += [*wording.disagreements(shown, analysis.results)]
    notes += [*bundles(analysis), *not_separable(analysis), *suggested(analysis)]
    wide_notes = [SIMULTANEOUS] if any(e.estimate.simultaneous for e in shown) else []
    wide_notes += wording.direction_note(shown)
    return block(
        f"Effects: each level against the baseline of its factor{units.in_title(analysis.results.metric)}",
        columns,
        rows,
        notes,
        wide_notes,
    )


def fractions(analysis: Analysis) -> ReportSection:
    """Return the effects that fractional designs of the study cannot separate, as `ablate plan` prints them."""
    document = analysis.results.document
    lines = alias_sentences(document.aliases) or list(document.fractions)
    if not lines:
        return ReportSection("")
    notes = [
        "Each line lists effects that this design cannot separate (aliases). A main effect is clear of interactions "
        "only as far as these lines show.",
        *lines[:MOST_LINES],
    ]
    if len(lines) > MOST_LINES:
        notes.append(
            f"… and {wording.counted(len(lines) - MOST_LINES, 'more line')}; `ablate plan STUDY.yaml` prints all."
        )
    return ReportSection("Effects that the fractional design cannot separate", notes=notes, items=True)


def interactions(analysis: Analysis) -> ReportSection:
    """Return the interactions of smallest p, for exploration."""
    ranked = sorted(analysis.interactions, key=lambda i: _last(i.p_exploring))
    columns = [
        Column("factors", flex=1),
        Column("squares", "r"),
        Column(f"difference, {wording.percent(1 - analysis.results.alpha)}", "r"),
        Column("p, BH", "r"),
    ]
    rows: list[list[str | Cell]] = [_interaction(i) for i in ranked[:MOST_INTERACTIONS]]
    notes = [
        "An interaction: how much the effect of one level changes if the other level is set. squares: groups of four "
        "rows that show it. For exploration only: p by Benjamini and Hochberg (BH) over all interactions, no verdict.",
        *_more(len(ranked), MOST_INTERACTIONS, "interaction"),
    ]
    return (
        block(f"Interactions{units.in_title(analysis.results.metric)}", columns, rows, notes)
        if ranked
        else ReportSection("")
    )


def in_words(analysis: Analysis, every: Sequence[Contrast]) -> ReportSection:
    """Return sentences about the family (or the effects, if it is empty), then about the confounded steps."""
    in_family = by_weight([c for c in every if c.in_family])
    items: Sequence[Contrast | Effect] = in_family or analysis.effects
    confounded = [step for step in analysis.steps if step.identified == CONFOUNDED and not step.in_family]
    if analysis.results.imported:  # the findings of the import list them
        confounded = []
    lines = wording.sentences(items[:MOST_SENTENCES], analysis.results)
    lines += _more(len(items), MOST_SENTENCES, "contrast" if in_family else "effect")
    lines += wording.sentences(confounded[:MOST_SENTENCES], analysis.results)
    return ReportSection("In words", notes=[*lines, *_more(len(confounded), MOST_SENTENCES, "step")], items=True)


def by_weight(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Return the decided contrasts by p, then the undecided ones, then those without a result."""
    return sorted(contrasts, key=_weight)


def _weight(contrast: Contrast) -> tuple[int, float, float]:
    estimate = contrast.estimate
    return WEIGHT.get(estimate.verdict, 2), _last(estimate.p_holm), _last(estimate.p)


def identified(effect: Effect) -> str:
    """Return how an effect is estimated: `direct` with its number of contexts, `additive`, or why it is not."""
    if effect.identified == DIRECT:
        return "direct" if effect.contexts == 1 else f"direct, {effect.contexts} contexts"
    if effect.identified == ADDITIVE:
        return "additive"
    if effect.untested or effect.estimate.constant is not None:
        return wording.NOTHING
    return f"not separable from {listed(effect.aliased_with)}" if effect.aliased_with else "no result"


def bundles(analysis: Analysis) -> list[str]:
    """Return a sentence for each factor that stands for several keys, which always vary together."""
    factors = analysis.results.bundles.items()
    return [f"{name}: {wording.vary_together(keys)}." for name, keys in factors]


def not_separable(analysis: Analysis) -> list[str]:
    """Return a sentence for each group of factors that the rows cannot separate."""
    lines = []
    for group in analysis.aliases[:MOST_SENTENCES]:
        first, *others = group
        lines.append(f"These rows cannot separate {first} from {listed(others)}.")
    return lines + _more(len(analysis.aliases), MOST_SENTENCES, "group")


def suggested(analysis: Analysis) -> list[str]:
    """Return a sentence for each run that would be the most useful to add."""
    results = analysis.results
    baselines = {factor.name: factor.baseline for factor in results.document.factors}
    lines = []
    for at, run in enumerate(analysis.suggestions):
        changed = [
            f"{name} {wording.level(level)}" for name, level in run.levels.items() if level != baselines.get(name)
        ]
        setting = f"{', '.join(changed)} (the rest at baseline)" if changed else "the baseline itself"
        opening = "The most useful run to add" if not at else "Then"
        lines.append(
            f"{opening}: {setting}. It gives a direct contrast or a first estimate for {listed(run.resolves)}."
        )
    return lines


def _contrasts(analysis: Analysis, title: str, chosen: Sequence[Contrast], most: int) -> ReportSection:
    at = wording.percent(1 - analysis.results.alpha)
    several, judged = any(c.estimate.separate for c in chosen), analysis.results.is_primary
    columns = [
        Column("rows"),
        Column("factors changed", flex=3),
        Column(f"change, {at}", "r"),
        *([Column("simultaneous", "r", under=True)] if judged else []),
        *([Column(f"{SEPARATE_T}, {at}", "r", under=True, paper=True)] if several else []),
        Column(P_HOLM if judged else P_ALONE, "r"),
        Column("verdict", flex=2),
        Column(f"{wording.run_word(analysis.results)}s", "r", wide=True),
        Column("method", wide=True),
    ]
    rows = [_contrast(c, several, judged, analysis.results) for c in chosen[:most]]
    return block(title, columns, rows, _contrast_notes(analysis, chosen, most))


def _contrast(contrast: Contrast, several: bool, judged: bool, results: StudyResults) -> list[str | Cell]:
    estimate, direct = contrast.estimate, contrast.identified == DIRECT
    return [
        wording.pair(contrast),
        Cell(wording.moved(contrast), doubtful=not direct),
        wording.change(contrast),
        *([wording.simultaneous(estimate)] if judged else []),
        *([wording.interval(estimate.metric, estimate.separate)] if several else []),
        wording.p_value(estimate.p_holm if judged else estimate.p),
        Cell(wording.phrase(contrast), doubtful=not direct),
        _seeds(contrast, results),
        wording.method(estimate.method),
    ]


def _seeds(contrast: Contrast, results: StudyResults) -> str:
    """Return the number of seeds of a contrast; of rows that are not paired, the runs of both if they differ."""
    if not is_unpaired(results):
        return str(contrast.estimate.seeds or wording.NOTHING)
    both = [runs_of(row, results) for row in (contrast.before, contrast.after)]
    return both[0] if both[0] == both[1] else " and ".join(both)


def _contrast_notes(analysis: Analysis, chosen: Sequence[Contrast], most: int) -> list[str]:
    notes = _more(len(chosen), most, "contrast")
    if chosen[0].in_family and any(c.estimate.p_holm is not None for c in chosen):
        direct = "Direct: the two rows differ in one factor only. " if analysis.family.name == DIRECT else ""
        notes.append(f"{direct}p Holm and simultaneous intervals are adjusted for all contrasts of the family.")
    notes += wording.more_seeds_note(chosen[:most], analysis.results)
    notes += wording.direction_note(chosen[:most])
    notes += wording.disagreements(chosen[:most], analysis.results)
    return [*notes, *_contradictions(chosen)]


def _effect_notes(analysis: Analysis, effects: Sequence[Effect]) -> list[str]:
    notes = []
    if any(e.identified == DIRECT and e.contexts > 1 for e in effects):
        notes.append("Direct: mean over all pairs of rows (contexts) that differ in this factor only.")
    if any(e.identified == ADDITIVE for e in effects):
        notes.append("Additive: from all rows by least squares, assuming that effects add up.")
    if any(e.estimate.p_holm is not None for e in effects):
        kind = "the family of this study" if analysis.results.family.kind == "effects" else "a separate family"
        notes.append(f"Effects are {kind}: p Holm is adjusted among the effects.")
    return notes


def _contradictions(contrasts: Sequence[Contrast]) -> list[str]:
    """Return the contrasts for which the pooled variance and their own seeds disagree about a difference."""
    lines = []
    for contrast in contrasts:
        metric, pooled, own = contrast.estimate.metric, contrast.estimate.interval, contrast.estimate.separate
        none = units.no_effect_text(metric)
        if contrast.estimate.method == POOLED_T and pooled and own and includes_0(pooled) != includes_0(own):
            verbs = ("includes", "excludes") if includes_0(own) else ("excludes", "includes")
            lines.append(
                f"Rows {wording.pair(contrast)}: the result depends on pooling the variance of all rows. With the "
                f"variance of these two rows only, the interval {wording.interval(metric, own)} {verbs[0]} {none}. "
                f"With the pooled variance, the interval {wording.interval(metric, pooled)} {verbs[1]} {none}."
            )
    return [*lines[:MOST_AGAINST], *_more(len(lines), MOST_AGAINST, "such contrast")]


def _interaction(interaction: Interaction) -> list[str | Cell]:
    pairs = zip(interaction.factors, interaction.levels, strict=True)
    names = " × ".join(f"{name} {wording.level(level)}" for name, level in pairs)
    estimate, text = interaction.estimate, "no result"
    if estimate.effect is not None:
        text = units.difference_and_interval(estimate.metric, estimate.effect, estimate.interval)
    return [names, str(interaction.squares), text, wording.p_value(interaction.p_exploring)]


def _more(count: int, most: int, noun: str) -> list[str]:
    return [f"… and {wording.counted(count - most, f'more {noun}')}: {MORE}."] if count > most else []


def _last(p: float | None) -> float:
    return 2.0 if p is None else p
