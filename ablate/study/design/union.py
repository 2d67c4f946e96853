"""Designs: factors -> rows. The union of a file's designs is run; rows of the same levels merge."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from ablate.study.design.constraints import Constraints, ExclusionRule
from ablate.study.design.explicit import ExplicitRows
from ablate.study.design.explicit import Row as Row
from ablate.study.design.generators import GeneratedCells, Generator
from ablate.study.design.space import Cell, FactorSpace
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.fractional.reader import FractionReader
from ablate.study.reading.problems import Path, dotted
from ablate.study.reading.schema import DesignEntry

MOST_CELLS = 1_000_000


class Designer:
    """Builds the rows of one file; what is wrong is recorded, and the rest is built all the same.

    An explicit row gives its label to a generated one of the same levels, wherever it stands in the file; of two
    explicit rows of the same levels, the first does, and both are rows.
    """

    def __init__(self, space: FactorSpace, rules: Constraints, groups: Mapping[str, list[int]]) -> None:
        self.space, self.rules, self.groups = space, rules, groups
        self.faults = space.faults
        self.warnings: list[str] = []
        self.aliases: list[AliasTable] = []

    def rows(self, designs: Mapping[Path, DesignEntry]) -> list[Row]:
        """The rows of all designs in their order; `designs` are keyed by their place in the file."""
        self.explicit = ExplicitRows(self.space, designs)
        self._hold_explicit_rows_against_rules()
        asked = self._asked(designs)
        found: dict[str, Row] = {}
        for path, design in designs.items():
            if design.rows is not None:
                found |= {label: self.explicit.by_label[label] for label in design.rows if label not in found}
            elif path in asked:
                self._insert(found, self._told(path, asked[path]), path)
        self._warn_of_missing_singles(found, asked)
        return list(found.values())

    def _asked(self, designs: Mapping[Path, DesignEntry]) -> dict[Path, GeneratedCells]:
        """The designs that can be made, as long as all of them together ask for no more than MOST_CELLS."""
        fractions = FractionReader(self.space, self.rules, MOST_CELLS)
        generator = Generator(self.space, self.explicit, self.groups, fractions)
        found: dict[Path, GeneratedCells] = {}
        total = 0
        for path, design in designs.items():
            asked = generator.asked(path, design)
            if asked is None:
                continue
            total += asked.count
            if total > MOST_CELLS:
                before = f" and {total - asked.count:,} before it" if total > asked.count else ""
                message = f"asks for {asked.count:,} combinations{before}; a study has at most {MOST_CELLS:,}"
                self.faults.add(path, message)
                return {}
            found[path] = asked
        return found

    def _insert(self, found: dict[str, Row], cells: Iterable[Cell], path: Path) -> None:
        for cell in cells:
            same = self.explicit.by_cell.get(cell)
            label = same.label if same else self.space.label(cell)
            if label not in found:
                found[label] = same or Row(label, self.space.levels(cell))
            if not same and label in self.explicit.by_label:
                message = f"the generated label {label!r} is also the label of another row; rename that"
                self.space.fault(path, message)

    def _hold_explicit_rows_against_rules(self) -> None:
        for label, row in self.explicit.by_label.items():
            rule = self.rules.against(row.levels.cell)
            if rule:
                has = self._what_hits(rule, row.levels.cell)
                self.space.fault(self.explicit.paths[label], f"{rule.place} rules this row out: it has {has}")

    def _what_hits(self, rule: ExclusionRule, cell: Cell) -> str:
        return self.space.words({position: [cell[position]] for position in rule.out})

    def _told(self, path: Path, asked: GeneratedCells) -> Iterable[Cell]:
        """The design's cells that make sense, after saying what those of a fraction can tell."""
        kept = self._kept(path, asked)
        if asked.fraction is None:
            return kept
        cells = list(kept)
        if cells:
            table = asked.fraction.table(f"{dotted(path)}.fractional", cells)
            self.aliases.append(table)
            self.warnings += [f"{table.place}: {message}" for message in _losses(table)]
        return cells

    def _kept(self, path: Path, asked: GeneratedCells) -> Iterable[Cell]:
        """The design's cells that make sense; a fault where none is left but the row that it starts from."""
        if not self.rules.rules:
            return asked.cells()
        if asked.start is not None:
            rule = self.rules.against(asked.start)
            if rule:
                has = self._what_hits(rule, asked.start)
                message = f"{rule.place} rules out the row that this design starts from: it has {has}"
                self.space.fault(path, message)
                return ()
        if asked.stepwise:
            self._warn_of_missing_rungs(path, asked)
        kept = self.rules.kept(asked.cells())
        first = [cell for _, cell in zip(range(1 if asked.start is None else 2), kept, strict=False)]
        if len(first) < min(asked.count, 1 if asked.start is None else 2):
            none = "none" if asked.start is None else "none but `from`"
            self.space.fault(path, f"exclude and require leave {none} of the {asked.count:,} combinations asked for")
        return chain(first, kept)

    def _warn_of_missing_rungs(self, path: Path, asked: GeneratedCells) -> None:
        for cell in asked.cells():
            rule = self.rules.against(cell)
            if rule:
                rung = self.space.label(cell)
                message = f"{rule.place} rules out the rung {rung!r}; the step to the next changes several factors"
                self.warnings.append(f"{dotted(path)}.ladder: {message}")

    def _warn_of_missing_singles(self, found: Mapping[str, Row], asked: Mapping[Path, GeneratedCells]) -> None:
        """Interactions are differences of differences: a pair's effect beside those of its two factors alone."""
        needed = {path: list(self.rules.kept(design.singles())) for path, design in asked.items()}
        cells = {row.levels.cell for row in found.values()} if any(needed.values()) else set()
        for path, singles in needed.items():
            missing = [self.space.label(cell) for cell in singles if cell not in cells]
            if missing:
                self.warnings.append(
                    f"{dotted(path)}.pairs: interactions cannot be told without the rows of one factor alone, like "
                    f"{missing[0]!r}; an add_one of the same factors adds them"
                )


def _losses(table: AliasTable) -> Iterator[str]:
    """What is amiss with a fraction that constraints make holes in."""
    if table.lost:
        yield f"constraints rule out {table.lost:,} of its {table.lost + table.runs:,} runs, so effects are correlated"
    if table.lost_effects:
        yield f"the effect of {', '.join(table.lost_effects)} cannot be estimated from these rows alone"
