"""The ambiguities of a log: an unknown pairing of examples, and rows whose title and values contradict each other."""

from collections.abc import Sequence

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.effects import Effect
from ablate.analysis.estimation.unpaired_totals import Pairing
from ablate.measurement import Metric
from ablate.report import units, wording
from ablate.report.sections.contrasts import MORE, identified
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.study.factors import level_text
from ablate.text import listed

MOST_READINGS = 3
"""Other readings of a log that are shown."""


def totals(analysis: Analysis, every: Sequence[Contrast], most: int) -> ReportSection:
    """Return, for steps and direct contrasts with totals only, the number of discordant examples that decides them."""
    steps = {(step.before.number, step.after.number) for step in analysis.steps}
    chosen = [c for c in every if c.identified == DIRECT or (c.before.number, c.after.number) in steps]
    pairings = [(contrast, pairing) for contrast in chosen if (pairing := analysis.pairing(contrast)) is not None]
    if not pairings:
        return ReportSection("")
    display = analysis.results.metric.display
    columns = [
        Column("rows"),
        Column(display.count, "r"),
        Column("D*", "r"),
        Column("discordant", "r"),
        Column("conclusion", flex=1),
    ]
    rows: list[list[str | Cell]] = [
        [wording.pair(contrast), *_pairing(pairing, contrast.estimate.metric)] for contrast, pairing in pairings[:most]
    ]
    alpha = analysis.results.alpha
    notes = [
        f"Only totals are known, not on which {display.examples} both networks succeed (the pairing). discordant: the "
        f"number of {display.examples} on which exactly one of them does, from the lowest to the highest number "
        f"possible. It is the lowest number plus an even number. D*: the largest number of discordant "
        f"{display.examples} with which McNemar's test "
        f"(alpha {alpha:g}, this contrast alone) still finds a difference."
    ]
    if len(pairings) > most:
        notes.append(f"… and {wording.counted(len(pairings) - most, 'more contrast')}: {MORE}.")
    return block(f"Totals only: conclusions about the change in {display.count}", columns, rows, notes)


def readings(analysis: Analysis) -> list[ReportSection]:
    """Return, for each other reading of a log, its direct contrasts and effects next to those of the log as listed."""
    sections: list[ReportSection] = []
    for reading, results in list(analysis.other_readings.items())[:MOST_READINGS]:
        other = analyse(results, analysis.population)
        sections += [_contrasts(analysis, other, reading), _effects(analysis, other, reading)]
    more = len(analysis.other_readings) - MOST_READINGS
    if more > 0:
        sections.append(ReportSection("", notes=[f"… and {wording.counted(more, 'more reading')}: {MORE}."]))
    return sections


def _contrasts(listed: Analysis, other: Analysis, reading: str) -> ReportSection:
    columns = [
        Column("rows"),
        Column("as listed", flex=1),
        Column("p Holm", "r"),
        Column("other reading", flex=1),
        Column("p Holm", "r"),
        Column("other verdict", flex=1),
    ]
    theirs = {_key(c): c for c in other.contrasts}
    pairs = [(c, theirs[_key(c)]) for c in listed.contrasts if _key(c) in theirs]
    direct = [(mine, their) for mine, their in pairs if DIRECT in (mine.identified, their.identified)]
    rows: list[list[str | Cell]] = [
        [
            wording.pair(their),
            *_side(mine),
            *_side(their),
            Cell(wording.phrase(their), doubtful=their.identified != DIRECT),
        ]
        for mine, their in direct
    ]
    notes = ["A row of the log contradicts itself. The table compares the two ways to read it."]
    return block(f"Other reading ({reading}): direct contrasts", columns, rows, notes)


def _effects(listed: Analysis, other: Analysis, reading: str) -> ReportSection:
    columns = [
        Column("factor", flex=5),
        Column("as listed", flex=4),
        Column("effect", "r"),
        Column("p Holm", "r", under=True),
        Column("other reading", flex=4),
        Column("effect", "r"),
        Column("p Holm", "r", under=True),
    ]
    theirs = {(e.factor, level_text(e.level)): e for e in other.effects}
    rows: list[list[str | Cell]] = [
        [f"{e.factor} {wording.level(e.level)}", *_effect(e), *_effect(theirs.get((e.factor, level_text(e.level))))]
        for e in listed.effects
    ]
    notes = [f"As listed, {_not_separable(listed.aliases)}. In the other reading, {_not_separable(other.aliases)}."]
    return block(f"Other reading ({reading}): effects{units.in_title(listed.results.metric)}", columns, rows, notes)


def _pairing(pairing: Pairing, metric: Metric) -> list[str]:
    low, high = pairing.discordant
    gained = f"{pairing.difference:+,}".replace("-", wording.MINUS)
    reading = wording.TOTALS[pairing.reading].format(example=metric.display.example)
    return [gained, f"{pairing.significant_up_to:,.1f}", f"{low:,}–{high:,}", reading]


def _side(contrast: Contrast) -> list[Cell]:
    direct = contrast.identified == DIRECT
    return [
        Cell(wording.moved(contrast), doubtful=not direct),
        Cell(wording.p_value(contrast.estimate.p_holm if direct else None)),
    ]


def _effect(effect: Effect | None) -> list[str]:
    if effect is None:
        return [wording.NOTHING] * 3
    size = (
        wording.NOTHING
        if effect.estimate.effect is None
        else units.difference_text(effect.estimate.metric, effect.estimate.effect)
    )
    return [identified(effect), size, wording.p_value(effect.estimate.p_holm)]


def _not_separable(aliases: Sequence[Sequence[str]]) -> str:
    groups = [f"{group[0]} from {listed(group[1:])}" for group in aliases]
    return f"the rows cannot separate {'; '.join(groups)}" if groups else "the rows can separate all factors"


def _key(contrast: Contrast) -> frozenset[int]:
    return frozenset((contrast.before.number, contrast.after.number))
