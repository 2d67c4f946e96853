"""Designs: factors -> rows. The union of a file's designs is run; rows of the same levels merge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.study.factors import Factor, Level, label_of, level_text
from ablate.study.faults import Faults, Path
from ablate.study.schema import DesignEntry, LadderEntry

Levels = Mapping[str, Level]
RESERVED = ("extends", "title")


@dataclass(frozen=True)
class Row:
    """One combination of levels, every factor included. `title` is what the log format prints instead."""

    label: str
    levels: Levels
    title: str | None = None


@dataclass(frozen=True)
class _Labelled:
    """An explicit row as written: its place, its own levels, and what it extends."""

    path: Path
    entry: Mapping[str, Any]


class Designer:
    """Builds the rows of one file; unknown names go to `faults`, and the rest is built all the same."""

    def __init__(self, factors: Sequence[Factor], faults: Faults) -> None:
        self.factors = {factor.name: factor for factor in factors}
        self.faults = faults
        self.baseline = {factor.name: factor.baseline for factor in factors}
        self.labelled: dict[str, _Labelled] = {}
        self.explicit: dict[str, Row] = {}
        self.explicit_at: dict[tuple[tuple[str, str], ...], Row] = {}

    def rows(self, designs: Mapping[Path, DesignEntry]) -> list[Row]:
        """The rows of all designs in their order; `designs` are keyed by their place in the file."""
        self._collect_labels(designs)
        for label in self.labelled:
            self._explicit_row(label, ())
        found: dict[str, Row] = {}
        for path, design in designs.items():
            for row in self._expand(path, design):
                self._insert(found, row, path)
        return list(found.values())

    def _collect_labels(self, designs: Mapping[Path, DesignEntry]) -> None:
        for path, design in designs.items():
            for label, entry in (design.rows or {}).items():
                place = (*path, "rows", label)
                if label in self.labelled:
                    self.faults.add(place, f"label {label!r} stands twice, also at {_at(self.labelled[label].path)}")
                self.labelled.setdefault(label, _Labelled(place, entry))

    def _expand(self, path: Path, design: DesignEntry) -> list[Row]:
        if design.rows is not None:
            return [self.explicit[label] for label in design.rows if label in self.explicit]
        if design.ladder is not None:
            return self._ladder((*path, "ladder"), design.ladder)
        return []

    def _insert(self, found: dict[str, Row], row: Row, path: Path) -> None:
        other = found.setdefault(row.label, row)
        if _identity(other.levels) != _identity(row.levels):
            self.faults.add(path, f"the generated label {row.label!r} is also the label of another row; rename that")

    def _explicit_row(self, label: str, chain: tuple[str, ...]) -> Levels:
        """The levels of a labelled row, after those of the row that it extends."""
        if label in self.explicit:
            return self.explicit[label].levels
        written = self.labelled[label]
        levels = dict(self._extended(written, (*chain, label)))
        own = {name: value for name, value in written.entry.items() if name not in RESERVED}
        levels |= self.levels(written.path, own)
        if not is_line(label):
            self.faults.expected(written.path, label, "a label of one line of text")
        title = written.entry.get("title")
        if title is not None and not is_line(title):
            self.faults.expected((*written.path, "title"), title, "one line of text")
            title = None
        self.explicit[label] = Row(label, levels, title)
        self.explicit_at.setdefault(_identity(levels), self.explicit[label])
        return levels

    def _extended(self, written: _Labelled, chain: tuple[str, ...]) -> Levels:
        if "extends" not in written.entry:
            return self.baseline
        parent, path = written.entry["extends"], (*written.path, "extends")
        if parent in chain:
            self.faults.add(path, f"rows extend one another in a circle: {' -> '.join([*chain, str(parent)])}")
            return self.baseline
        if not isinstance(parent, str) or parent not in self.labelled:
            self.faults.unknown(path, "row", parent, self.labelled)
            return self.baseline
        return self._explicit_row(parent, chain)

    def levels(self, path: Path, names: Mapping[Any, Any]) -> dict[str, Level]:
        """The levels of a mapping {factor: level's name}; unknown ones are faults and left out."""
        levels: dict[str, Level] = {}
        for name, value in names.items():
            factor = self.factors.get(name)
            if factor is None:
                self.faults.unknown((*path, name), "factor", name, self.factors)
                continue
            level = None if isinstance(value, dict | list) else factor.level(value)
            if level is None:
                known = [level_text(level.name) for level in factor.levels]
                self.faults.unknown((*path, name), f"level of {name}", _word(value), known)
            else:
                levels[name] = level
        return levels

    def start(self, path: Path, start: str | Mapping[str, Any]) -> Row:
        """The row that a design starts from: a label, or levels over the baseline."""
        if isinstance(start, str):
            if start in self.explicit:
                return self.explicit[start]
            self.faults.unknown(path, "row", start, self.explicit)
            return self.generated(self.baseline)
        return self.generated(self.baseline | self.levels(path, start))

    def generated(self, levels: Levels) -> Row:
        """The explicit row of these levels, or one labelled by what differs from the baseline."""
        same = self.explicit_at.get(_identity(levels))
        return same or Row(label_of(tuple(self.factors.values()), dict(levels)), levels)

    def _ladder(self, path: Path, ladder: LadderEntry) -> list[Row]:
        rows = [self.start((*path, "from"), ladder.start)]
        if not ladder.add:
            self.faults.add((*path, "add"), "the ladder has no rung; name at least one factor")
        for index, rung in enumerate(ladder.add):
            before = rows[-1].levels
            added = self._rung((*path, "add", index), rung)
            after = {**before, **added}
            if added and _identity(after) == _identity(before):
                self.faults.add((*path, "add", index), "this rung changes nothing: the ladder is there already")
            rows.append(self.generated(after))
        return rows

    def _rung(self, path: Path, rung: str | Mapping[str, Any]) -> dict[str, Level]:
        if not isinstance(rung, str):
            if not rung:
                self.faults.add(path, "an empty rung; accepted: a factor, or {factor: level}")
            return self.levels(path, rung)
        factor = self.factors.get(rung)
        if factor is None:
            self.faults.unknown(path, "factor", rung, self.factors)
            return {}
        if factor.second is None:
            self.faults.add(path, f"factor {rung!r} has only one level; a rung needs a second to go to")
            return {}
        return {rung: factor.second}


def is_line(text: Any) -> bool:
    """Whether a label or title is one line of text, which logs and tables can hold."""
    return isinstance(text, str) and bool(text.strip()) and len(text.splitlines()) == 1


def _identity(levels: Levels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, level_text(level.name)) for name, level in levels.items()))


def _word(value: Any) -> Any:
    return level_text(value) if isinstance(value, bool) else value


def _at(path: Path) -> str:
    return f"design[{path[1]}]"
