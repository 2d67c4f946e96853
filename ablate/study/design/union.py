"""The rows of a file: the union of its designs, in which rows of the same levels merge."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise

from ablate.study.design.constraints import Constraints, ExclusionRule
from ablate.study.design.explicit import ExplicitRows
from ablate.study.design.factor_names import FactorNames
from ablate.study.design.generators import GeneratedCells, Generator
from ablate.study.design.space import Cell
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.fractional.reader import FractionReader
from ablate.study.model import Row
from ablate.study.reading.problems import Path, dotted
from ablate.study.reading.schema import DesignEntry

MOST_CELLS = 1_000_000
"""The largest number of combinations that all designs of a file, or a grid search, may have."""


class Designer:
    """Builds the rows of one file. Records every fault and builds the remaining rows all the same.

    An explicit row gives its label to a generated row of the same levels, wherever it stands in the file. If two
    explicit rows have the same levels, both are rows, and the first gives its label.
    """

    def __init__(self, names: FactorNames, rules: Constraints, groups: Mapping[str, list[int]]) -> None:
        self.names, self.space, self.rules, self.groups = names, names.space, rules, groups
        self.warnings: list[str] = []
        self.aliases: list[AliasTable] = []
        self.steps: dict[tuple[str, str], None] = {}
        """The labels of rows that follow one another in a part of the design that has an order: `rows`, or a ladder."""

    def rows(self, designs: Mapping[Path, DesignEntry]) -> list[Row]:
        """Return the rows of all designs in their order; `designs` are keyed by their place in the file."""
        self.explicit = ExplicitRows(self.names, designs)
        self._check_explicit_rows_against_rules()
        generated = self._generated(designs)
        rows: dict[str, Row] = {}
        for path, design in designs.items():
            if design.rows is not None:
                rows |= {label: self.explicit.by_label[label] for label in design.rows if label not in rows}
                self.steps |= dict.fromkeys(pairwise(design.rows))
            elif path in generated:
                labels = self._insert(rows, self._allowed_with_aliases(path, generated[path]), path)
                if generated[path].stepwise:
                    self.steps |= dict.fromkeys(pairwise(labels))
        self._warn_of_missing_singles(rows, generated)
        return list(rows.values())

    def _generated(self, designs: Mapping[Path, DesignEntry]) -> dict[Path, GeneratedCells]:
        """Return the designs that can be made; none if all of them together have more than MOST_CELLS cells."""
        fractions = FractionReader(self.names, self.rules, MOST_CELLS)
        generator = Generator(self.names, self.explicit, self.groups, fractions)
        designs_by_path: dict[Path, GeneratedCells] = {}
        total = 0
        for path, design in designs.items():
            generated = generator.generated(path, design)
            if generated is None:
                continue
            total += generated.count
            if total > MOST_CELLS:
                before = f" and {total - generated.count:,} before it" if total > generated.count else ""
                message = f"has {generated.count:,} combinations{before}; a study has at most {MOST_CELLS:,}"
                self.names.problems.add(path, message)
                return {}
            designs_by_path[path] = generated
        return designs_by_path

    def _insert(self, rows: dict[str, Row], cells: Iterable[Cell], path: Path) -> list[str]:
        """Add the rows that are new, and return the labels of all."""
        labels = []
        for cell in cells:
            same = self.explicit.by_cell.get(cell)
            label = same.label if same else self.space.label(cell)
            if label not in rows:
                rows[label] = same or Row(label, self.space.levels(cell))
            if not same and label in self.explicit.by_label:
                message = f"the generated label {label!r} is also the label of another row; rename that"
                self.names.add_fault(path, message)
            labels.append(label)
        return labels

    def _check_explicit_rows_against_rules(self) -> None:
        for label, row in self.explicit.by_label.items():
            rule = self.rules.against(row.levels.cell)
            if rule:
                levels = self._excluded_levels(rule, row.levels.cell)
                path = self.explicit.paths[label]
                self.names.add_fault(path, f"{rule.place} rules this row out: it has {levels}")

    def _excluded_levels(self, rule: ExclusionRule, cell: Cell) -> str:
        return self.space.words({position: [cell[position]] for position in rule.out})

    def _allowed_with_aliases(self, path: Path, generated: GeneratedCells) -> Iterable[Cell]:
        """Return the design's cells that the rules allow; for a fraction, add its alias table and warnings."""
        allowed = self._allowed(path, generated)
        if generated.fraction is None:
            return allowed
        cells = list(allowed)
        if cells:
            table = generated.fraction.table(f"{dotted(path)}.fractional", cells)
            self.aliases.append(table)
            self.warnings += [f"{table.place}: {message}" for message in _losses(table)]
        return cells

    def _allowed(self, path: Path, generated: GeneratedCells) -> Iterable[Cell]:
        """Return the design's cells that the rules allow; a fault if none is left except the row it starts from."""
        if not self.rules.rules:
            return generated.cells()
        if generated.start is not None:
            rule = self.rules.against(generated.start)
            if rule:
                levels = self._excluded_levels(rule, generated.start)
                message = f"{rule.place} rules out the row that this design starts from: it has {levels}"
                self.names.add_fault(path, message)
                return ()
        if generated.stepwise:
            self._warn_of_missing_rungs(path, generated)
        allowed = self.rules.allowed(generated.cells())
        needed = 1 if generated.start is None else 2
        first = [cell for _, cell in zip(range(needed), allowed, strict=False)]
        if len(first) < min(generated.count, needed):
            none = "none" if generated.start is None else "none but `from`"
            message = f"exclude and require leave {none} of the {generated.count:,} combinations"
            self.names.add_fault(path, message)
        return chain(first, allowed)

    def _warn_of_missing_rungs(self, path: Path, generated: GeneratedCells) -> None:
        for cell in generated.cells():
            rule = self.rules.against(cell)
            if rule:
                rung = self.space.label(cell)
                message = f"{rule.place} rules out the rung {rung!r}; the step to the next changes several factors"
                self.warnings.append(f"{dotted(path)}.ladder: {message}")

    def _warn_of_missing_singles(self, rows: Mapping[str, Row], generated: Mapping[Path, GeneratedCells]) -> None:
        """Warn if a design of pairs lacks the rows of one factor alone.

        An interaction is a difference of differences: the effect of two factors together minus the effect of each.
        """
        needed = {path: list(self.rules.allowed(design.singles())) for path, design in generated.items()}
        cells = {row.levels.cell for row in rows.values()} if any(needed.values()) else set()
        for path, singles in needed.items():
            missing = [self.space.label(cell) for cell in singles if cell not in cells]
            if missing:
                self.warnings.append(
                    f"{dotted(path)}.pairs: interactions cannot be estimated without the rows of one factor alone, "
                    f"like {missing[0]!r}; an add_one of the same factors adds them"
                )


def _losses(table: AliasTable) -> Iterator[str]:
    """Yield the harm that constraints do to a fraction by taking runs away, a sentence each."""
    if table.lost:
        yield f"constraints rule out {table.lost:,} of its {table.lost + table.runs:,} runs, so effects are correlated"
    if table.lost_effects:
        yield f"the effect of {', '.join(table.lost_effects)} cannot be estimated from these rows alone"
