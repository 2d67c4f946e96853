"""What a log leaves open: how hits are paired where totals alone are known, and rows that contradict themselves."""

from collections.abc import Sequence

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.effects import Effect
from ablate.analysis.estimation.unpaired_totals import Pairing
from ablate.report import wording
from ablate.report.sections.contrasts import MORE, identified
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.study.factors import level_text

MOST_READINGS = 3


def totals(analysis: Analysis, every: Sequence[Contrast], most: int) -> ReportSection:
    """Of steps and direct contrasts of which totals alone are known: up to how many discordant queries they hold."""
    steps = {(step.before.number, step.after.number) for step in analysis.steps}
    wanted = [c for c in every if c.identified == DIRECT or (c.before.number, c.after.number) in steps]
    known = [(contrast, found) for contrast in wanted if (found := analysis.pairing(contrast)) is not None]
    if not known:
        return ReportSection("")
    columns = [
        Column("rows"),
        Column("hits", "r"),
        Column("D*", "r"),
        Column("discordant", "r"),
        Column("what it can mean", flex=1),
    ]
    rows: list[list[str | Cell]] = [[wording.pair(contrast), *_pairing(found)] for contrast, found in known[:most]]
    alpha = analysis.results.alpha
    notes = [
        f"D*: McNemar's test (alpha {alpha:g}, one contrast by itself) finds a difference if at most D* queries are "
        "hit by one of the two networks only; the totals allow every other number in the range beside it."
    ]
    if len(known) > most:
        notes.append(f"… and {wording.counted(len(known) - most, 'more contrast')}: {MORE}.")
    return block("Totals only: what the pairing of hits would decide", columns, rows, notes)


def readings(analysis: Analysis) -> list[ReportSection]:
    """For each other reading of a log, what is direct in it, beside what is direct as listed."""
    found: list[ReportSection] = []
    for reading, results in list(analysis.other_readings.items())[:MOST_READINGS]:
        other = analyse(results, analysis.population)
        found += [_contrasts(analysis, other, reading), _effects(analysis, other, reading)]
    more = len(analysis.other_readings) - MOST_READINGS
    if more > 0:
        found.append(ReportSection("", notes=[f"… and {wording.counted(more, 'more reading')}: {MORE}."]))
    return found


def _contrasts(listed: Analysis, other: Analysis, reading: str) -> ReportSection:
    columns = [
        Column("rows"),
        Column("as listed", flex=1),
        Column("p Holm", "r"),
        Column("read so", flex=1),
        Column("p Holm", "r"),
        Column("verdict so", flex=1),
    ]
    theirs = {_key(c): c for c in other.contrasts}
    pairs = [(c, theirs[_key(c)]) for c in listed.contrasts if _key(c) in theirs]
    shown = [(mine, so) for mine, so in pairs if DIRECT in (mine.identified, so.identified)]
    rows: list[list[str | Cell]] = [
        [wording.pair(so), *_side(mine), *_side(so), Cell(wording.phrase(so), doubtful=so.identified != DIRECT)]
        for mine, so in shown
    ]
    return block(f"Read otherwise: {reading}: direct contrasts", columns, rows)


def _effects(listed: Analysis, other: Analysis, reading: str) -> ReportSection:
    columns = [
        Column("factor", flex=5),
        Column("as listed", flex=4),
        Column("effect", "r"),
        Column("p Holm", "r", under=True),
        Column("read so", flex=4),
        Column("effect", "r"),
        Column("p Holm", "r", under=True),
    ]
    theirs = {(e.factor, level_text(e.level)): e for e in other.effects}
    rows: list[list[str | Cell]] = [
        [f"{e.factor} {level_text(e.level)}", *_effect(e), *_effect(theirs.get((e.factor, level_text(e.level))))]
        for e in listed.effects
    ]
    notes = [f"As listed: {_apart(listed.aliases)}. Read so: {_apart(other.aliases)}."]
    return block(f"Read otherwise: {reading}: effects, pp", columns, rows, notes)


def _pairing(found: Pairing) -> list[str]:
    low, high = found.discordant
    sign = f"{found.hits:+,}".replace("-", wording.MINUS)
    return [sign, f"{found.significant_up_to:,.1f}", f"{low:,}–{high:,}", found.reading]


def _side(contrast: Contrast) -> list[Cell]:
    direct = contrast.identified == DIRECT
    return [
        Cell(wording.moved(contrast), doubtful=not direct),
        Cell(wording.p_value(contrast.estimate.p_holm if direct else None)),
    ]


def _effect(effect: Effect | None) -> list[str]:
    if effect is None:
        return [wording.NOTHING] * 3
    size = wording.NOTHING if effect.estimate.effect is None else wording.signed(effect.estimate.effect)
    return [identified(effect), size, wording.p_value(effect.estimate.p_holm)]


def _apart(aliases: Sequence[Sequence[str]]) -> str:
    groups = [f"{group[0]} from {wording.listed(group[1:])}" for group in aliases]
    return f"the rows cannot separate {'; '.join(groups)}" if groups else "no factor is aliased with another"


def _key(contrast: Contrast) -> frozenset[int]:
    return frozenset((contrast.before.number, contrast.after.number))
