"""Contrasts, effects and interactions as tables, and what may be said of them as sentences."""

from collections.abc import Sequence

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import CONFOUNDED, DIRECT, Contrast
from ablate.analysis.effects import ADDITIVE, NONE, Effect, Interaction
from ablate.analysis.estimation.estimators import POOLED_T, SEPARATE_T
from ablate.report import wording
from ablate.report.sections.summary import family
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.study.factors import level_text

MOST_SENTENCES = 8
MOST_INTERACTIONS = 6
MOST_AGAINST = 5
MOST_LINES = 16
MORE = "--format json"
WEIGHT = {
    verdicts.BETTER: 0,
    verdicts.WORSE: 0,
    verdicts.CHECKPOINTS_DIFFER: 0,
    verdicts.BETTER_BELOW_DELTA: 1,
    verdicts.WORSE_BELOW_DELTA: 1,
    verdicts.NO_EFFECT: 1,
    verdicts.NOT_ESTIMABLE: 3,
}
"""Which verdicts matter first; the others are between."""


def contrasts(analysis: Analysis, every: Sequence[Contrast], most: int) -> list[ReportSection]:
    """The family, and beside it direct contrasts that are not of it. `every`: all that the analysis lists."""
    chosen = by_weight([c for c in every if c.in_family])
    beside = by_weight([c for c in every if not c.in_family and c.identified == DIRECT])
    found = []
    if chosen:
        found.append(_contrasts(analysis, f"Contrasts of the family ({family(analysis.family)}), pp", chosen, most))
    if beside:
        title = "Direct contrasts beside the family, adjusted among themselves, pp"
        found.append(_contrasts(analysis, title, beside, most))
    if not chosen and not beside and len(analysis.results.rows) > 1:
        found.append(ReportSection("Contrasts", notes=["No two rows differ in one factor alone."]))
    return found


def effects(analysis: Analysis, most: int) -> ReportSection:
    """Each level of each factor, from all rows at once."""
    columns = [
        Column("factor", flex=2),
        Column("how", flex=1, under=True),
        Column(f"effect, {wording.percent(1 - analysis.results.alpha)}", "r"),
        Column("simultaneous", "r", wide=True),
        Column("p Holm", "r"),
        Column("verdict", flex=1),
        Column("seeds", "r", wide=True),
    ]
    rows: list[list[str | Cell]] = [
        [
            f"{e.factor} {level_text(e.baseline)} → {level_text(e.level)}",
            identified(e),
            wording.change(e),
            wording.interval(e.estimate.simultaneous),
            wording.p_value(e.estimate.p_holm),
            Cell(wording.phrase(e), doubtful=e.identified == NONE),
            str(e.estimate.seeds or wording.NOTHING),
        ]
        for e in analysis.effects[:most]
    ]
    notes = [*_more(len(analysis.effects), most, "effect"), *apart(analysis), *suggested(analysis)]
    if analysis.effects:
        notes.insert(
            0, "Effects are a family of their own: p and simultaneous intervals are adjusted among them alone."
        )
    if any(e.identified == ADDITIVE for e in analysis.effects):
        notes.insert(0, "Additive: from all rows by least squares, if effects add up.")
    return block("Effects: each level against its baseline, over all rows that tell of it, pp", columns, rows, notes)


def fractions(analysis: Analysis) -> ReportSection:
    """What the designs of the study that are fractions cannot tell apart, as `ablate plan` says it."""
    lines = analysis.results.document.get("fractions", [])
    if not lines:
        return ReportSection("")
    notes = [
        "A main effect is read as clear of interactions only as far as the following lines say.",
        *lines[:MOST_LINES],
    ]
    if len(lines) > MOST_LINES:
        notes.append(f"… and {wording.counted(len(lines) - MOST_LINES, 'more line')}: ablate plan.")
    return ReportSection("What the fraction cannot tell apart", notes=notes, items=True)


def interactions(analysis: Analysis) -> ReportSection:
    """Those of smallest p, for exploring."""
    found = sorted(analysis.interactions, key=lambda i: _last(i.p_exploring))
    columns = [
        Column("factors", flex=1),
        Column("squares", "r"),
        Column(f"difference, {wording.percent(1 - analysis.results.alpha)}", "r"),
        Column("p, BH", "r"),
    ]
    rows: list[list[str | Cell]] = [_interaction(i) for i in found[:MOST_INTERACTIONS]]
    notes = [
        "How much one level's effect changes with the other's. For exploring: p by Benjamini and Hochberg over "
        "all interactions, no verdict.",
        *_more(len(found), MOST_INTERACTIONS, "interaction"),
    ]
    return block("Interactions, pp", columns, rows, notes) if found else ReportSection("")


def in_words(analysis: Analysis, every: Sequence[Contrast]) -> ReportSection:
    """Sentences: what matters first, then the steps of which nothing can be said."""
    in_family = by_weight([c for c in every if c.in_family])
    told: Sequence[Contrast | Effect] = in_family or analysis.effects
    confounded = [step for step in analysis.steps if step.identified == CONFOUNDED and not step.in_family]
    if analysis.results.imported:  # what was found on import says it
        confounded = []
    found = wording.sentences(told[:MOST_SENTENCES], analysis.results)
    found += _more(len(told), MOST_SENTENCES, "contrast" if in_family else "effect")
    found += wording.sentences(confounded[:MOST_SENTENCES], analysis.results)
    return ReportSection("In words", notes=[*found, *_more(len(confounded), MOST_SENTENCES, "step")], items=True)


def by_weight(found: Sequence[Contrast]) -> list[Contrast]:
    """Those that matter first: decided ones by p, open ones, then those without a result."""
    return sorted(found, key=_weight)


def _weight(contrast: Contrast) -> tuple[int, float, float]:
    estimate = contrast.estimate
    return WEIGHT.get(estimate.verdict, 2), _last(estimate.p_holm), _last(estimate.p)


def identified(effect: Effect) -> str:
    """How an effect is known: directly over so many contexts, by additivity, or not."""
    if effect.identified == DIRECT:
        return "direct" if effect.contexts == 1 else f"direct, {effect.contexts} contexts"
    if effect.identified == ADDITIVE:
        return "additive"
    return f"not told from {wording.listed(effect.aliased_with)}" if effect.aliased_with else "no result"


def apart(analysis: Analysis) -> list[str]:
    """What cannot be separated from what."""
    found = []
    for group in analysis.aliases[:MOST_SENTENCES]:
        first, *others = group
        found.append(f"These rows cannot separate {first} from {wording.listed(others)}.")
    return found + _more(len(analysis.aliases), MOST_SENTENCES, "group")


def suggested(analysis: Analysis) -> list[str]:
    """The runs to add."""
    results = analysis.results
    usual = {factor["name"]: factor["baseline"] for factor in results.document["factors"]}
    found = []
    for at, run in enumerate(analysis.suggestions):
        unlike = [f"{name} {level_text(level)}" for name, level in run.levels.items() if level != usual.get(name)]
        where = f"{', '.join(unlike)} (the rest at baseline)" if unlike else "the baseline itself"
        opening = "One more run would settle the most" if not at else "Then"
        found.append(f"{opening}: {where}; it resolves {wording.listed(run.resolves)}.")
    return found


def _contrasts(analysis: Analysis, title: str, found: Sequence[Contrast], most: int) -> ReportSection:
    at = wording.percent(1 - analysis.results.alpha)
    several = any(c.estimate.separate for c in found)
    columns = [
        Column("rows"),
        Column("what differs", flex=3),
        Column(f"change, {at}", "r"),
        Column("simultaneous", "r", under=True),
        *([Column(f"{SEPARATE_T}, {at}", "r", under=True, paper=True)] if several else []),
        Column("p Holm", "r"),
        Column("verdict", flex=2),
        Column("seeds", "r", wide=True),
        Column("method", wide=True),
    ]
    return block(title, columns, [_contrast(c, several) for c in found[:most]], _contrast_notes(analysis, found, most))


def _contrast(found: Contrast, several: bool) -> list[str | Cell]:
    estimate, direct = found.estimate, found.identified == DIRECT
    return [
        wording.pair(found),
        Cell(wording.moved(found), doubtful=not direct),
        wording.change(found),
        wording.interval(estimate.simultaneous),
        *([wording.interval(estimate.separate)] if several else []),
        wording.p_value(estimate.p_holm),
        Cell(wording.phrase(found), doubtful=not direct),
        str(estimate.seeds or wording.NOTHING),
        estimate.method or wording.NOTHING,
    ]


def _contrast_notes(analysis: Analysis, found: Sequence[Contrast], most: int) -> list[str]:
    notes = _more(len(found), most, "contrast")
    if any(c.estimate.more_seeds for c in found[:most]):
        looked_at = analysis.results.schedule and found[0].in_family
        what = (
            "so many more seeds until the next look" if looked_at else "about so many more seeds a row would decide it"
        )
        notes.append(f"~5 more: {what}.")
    return [*notes, *_against(found)]


def _against(found: Sequence[Contrast]) -> list[str]:
    """Contrasts that show a difference by the pooled variance and none by their own seeds alone, or the reverse."""
    told = []
    for contrast in found:
        pooled, own = contrast.estimate.interval, contrast.estimate.separate
        if contrast.estimate.method == POOLED_T and pooled and own and _holds_0(pooled) != _holds_0(own):
            verbs = ("includes", "excludes") if _holds_0(own) else ("excludes", "includes")
            told.append(
                f"rows {wording.pair(contrast)}: by its own seeds alone {wording.interval(own)}, which {verbs[0]} 0; "
                f"with the variance pooled {wording.interval(pooled)}, which {verbs[1]} it."
            )
    return [*told[:MOST_AGAINST], *_more(len(told), MOST_AGAINST, "such contrast")]


def _holds_0(ends: tuple[float, float]) -> bool:
    return ends[0] <= 0 <= ends[1]


def _interaction(found: Interaction) -> list[str | Cell]:
    names = [f"{name} {level_text(level)}" for name, level in zip(found.factors, found.levels, strict=True)]
    effect = found.estimate.effect
    text = "no result" if effect is None else f"{wording.signed(effect)} {wording.interval(found.estimate.interval)}"
    return [" × ".join(names), str(found.squares), text, wording.p_value(found.p_exploring)]


def _more(count: int, most: int, noun: str) -> list[str]:
    return [f"… and {wording.counted(count - most, f'more {noun}')}: {MORE}."] if count > most else []


def _last(p: float | None) -> float:
    return 2.0 if p is None else p
