"""The part of a stored plan that reports print around its rows: the study's claims, factors, data and designs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ablate.measurement import Direction, Metric, Scale
from ablate.study.factors import LevelName
from ablate.study.fractional.alias_table import AliasTable, Correlation, Term
from ablate.study.logfile.parser import Line
from ablate.study.metrics import UNDECLARED, metric_named
from ablate.study.model import Excluded, Family, Study
from ablate.study.plan.limits import RowLimits
from ablate.study.search_space.origin import SearchOrigin
from ablate.study.wiring.outcomes import EqualResults

DELTA, DELTA_PP = "delta", "delta_pp"
"""The keys of the smallest effect that counts: in general, and of a rate, in percentage points."""


@dataclass(frozen=True)
class StoredFactor:
    """A factor of a stored plan."""

    name: str
    sets: tuple[str, ...]
    """The config keys that it sets; empty for a factor of an imported log."""
    levels: tuple[LevelName, ...]
    """Its levels as reports name them, in the order of the study file."""
    baseline: LevelName
    bundle: tuple[str, ...] = ()
    """The keys of an imported study that always vary together, if the factor stands for several; otherwise empty. Its
    effect is that of all of them."""
    values: tuple[tuple[Any, ...], ...] = ()
    """The values of a bundle's keys in each level, parallel to `levels`; otherwise empty."""

    def to_json(self) -> dict[str, Any]:
        """Return the factor as the store writes it."""
        written = asdict(self)
        for name in ("bundle", "values"):
            if not written[name]:
                del written[name]
        return written


@dataclass(frozen=True)
class Summary:
    """The spread of a row's values of one metric, if its source has only their mean. The mean is the stored value."""

    sd: float | None = None
    """The standard deviation of one run, in the metric's unit; None if the source does not have it."""
    seeds: int | None = None
    """The number of runs that the mean and the SD are of; None if the source does not have it."""


@dataclass(frozen=True)
class DataIdentity:
    """The data set that a plan was made for."""

    name: str | None = None
    """The name of the data set; None if the trainer has none."""
    fingerprint: str | None = None
    """A hash of its content; None if it has none."""


@dataclass(frozen=True)
class ImpliedLevel:
    """A level that a row of an imported log lists, while its title implies another."""

    row: int
    """Position of the row, from 1."""
    factor: str
    listed: LevelName
    implied: LevelName


@dataclass(frozen=True)
class UnreadLevels:
    """The rows in which nothing reads the level of a factor, for one reason."""

    factor: str
    reason: str
    rows: tuple[str, ...]
    """The labels of the rows."""


@dataclass(frozen=True)
class PlanDocument:
    """The facts of a plan that are the same for all of its rows."""

    trainer: str
    """The name of the trainer in the registry, or the kind of the declared one."""
    primary: str
    """The metric that verdicts are about."""
    delta: float
    """The smallest effect worth acting on, as reports print effects: 0.5 is 0.5 pp of a rate; on a log scale, 1.05 is
    a ratio."""
    alpha: float
    """The error rate of the study's claims, from 0 to 1."""
    family: Family = field(default_factory=Family)
    looks: tuple[int, ...] = ()
    """The numbers of seeds at which verdicts may be judged; empty for a fixed number of seeds."""
    question: str = ""
    factors: tuple[StoredFactor, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    """Combinations of levels that may not occur."""
    seeds: tuple[int, ...] = ()
    config: Mapping[str, Any] | None = None
    """The config of the first row."""
    data: DataIdentity | None = None
    setting: tuple[Line, ...] = ()
    """The (key, value) lines of the log format's section `# setting`."""
    tight: bool = True
    """False if an imported log has an empty line below `# setting`, which the log format then writes as well."""
    findings: tuple[str, ...] = ()
    """Sentences about contradictions in an imported log."""
    aliases: tuple[AliasTable, ...] = ()
    """A table for each fractional design."""
    fractions: tuple[str, ...] = ()
    """The same as sentences, in plans that an older version has stored; those plans have no `aliases`."""
    overrides: tuple[str, ...] = ()
    """The options on the command line that changed the study file, as `key=value`."""
    search: SearchOrigin | None = None
    """If the rows are finalists of a search: the facts about that search."""
    examples_inferred: bool = False
    """True if the number of examples of an imported log was inferred from the decimals of its values."""
    doubts: tuple[ImpliedLevel, ...] = ()
    """Levels of an imported log that its titles contradict."""
    file: str | None = None
    """The absolute path of the study file; None if there is none, and in plans that an older version has stored."""
    hidden: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """{row: seeds that had results when the plan was made, and that it leaves out}."""
    limits: tuple[RowLimits, ...] = ()
    """The limits of the rows' tests; empty if they are not known, as in plans that an older version has stored."""
    declared: bool = False
    """True if the log format writes a section `# study`, because the imported log had one."""
    steps: tuple[tuple[str, str], ...] | None = None
    """The labels of each row that builds on another one, after the label of that row. None if every row builds on the
    one above it: so it is in an imported log, and in plans that older versions stored."""
    unread: tuple[UnreadLevels, ...] = ()
    """The factors of which nothing reads the level in some rows."""
    equal_rows: tuple[tuple[str, ...], ...] = ()
    """Groups of rows of an imported log whose results were equal to the last bit where the log was written."""
    equal_seeds: tuple[tuple[int, ...], ...] = ()
    """Groups of seeds of an imported log with such results."""
    alike: EqualResults = field(default_factory=EqualResults)
    """Groups of rows and seeds of an imported log whose results were equal there, perhaps by chance."""
    script: str = ""
    """The user's script or function, if the study file declares its trainer."""
    metrics: tuple[Metric, ...] = UNDECLARED
    """All metrics that the plan's trials can have, costs included."""
    unpaired: str = ""
    """Why the runs of an imported study are not paired by seed, as `no column has the seeds`; empty if they are. The
    seeds are then only the numbers of each row's replicates: seed 0 of one row has nothing in common with that of
    another."""
    summaries: Mapping[str, Mapping[str, Summary]] = field(default_factory=dict)
    """{row: {metric: spread}} of rows of an imported study of which only the mean is known, stored as seed 0."""
    source: str = ""
    """The path that the results of an imported study were read from; empty for a log, and if it was run here."""

    def metric(self, name: str) -> Metric:
        """Return a metric by its name; KeyError if there is none."""
        return metric_named(self.metrics, name)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "PlanDocument":
        """Return the document that a store has. Keys that older versions did not write get their defaults."""
        data, search, metrics = stored.get("data"), stored.get("search"), stored.get("metrics")
        return cls(
            trainer=stored["trainer"],
            primary=stored["primary"],
            delta=stored[DELTA_PP] if DELTA_PP in stored else stored[DELTA],
            alpha=stored["alpha"],
            family=Family.from_json(stored.get("family", "direct")),
            looks=tuple(stored.get("looks") or ()),
            question=stored.get("question") or "",
            factors=tuple(_factor(factor) for factor in stored["factors"]),
            excluded=tuple(_tuples(rule) for rule in stored.get("excluded", ())),
            seeds=tuple(stored.get("seeds", ())),
            config=stored.get("config"),
            data=DataIdentity(data.get("name"), data.get("fingerprint")) if data else None,
            setting=tuple((key, value) for key, value in stored.get("setting", ())),
            tight=stored.get("tight", True),
            findings=tuple(stored.get("findings", ())),
            aliases=tuple(_alias_table(table) for table in stored.get("aliases", ())),
            fractions=tuple(stored.get("fractions", ())),
            overrides=tuple(stored.get("overrides", ())),
            search=SearchOrigin.from_json(search) if search else None,
            examples_inferred=stored.get("examples_inferred", _was_inferred(stored)),
            doubts=tuple(_implied_level(doubt) for doubt in stored.get("doubts", ())),
            file=stored.get("file"),
            hidden={label: tuple(seeds) for label, seeds in stored.get("hidden", {}).items()},
            limits=tuple(RowLimits.from_json(limits) for limits in stored.get("limits", ())),
            declared=stored.get("declared", False),
            equal_rows=tuple(tuple(labels) for labels in stored.get("equal_rows", ())),
            equal_seeds=tuple(tuple(seeds) for seeds in stored.get("equal_seeds", ())),
            alike=EqualResults.from_json(stored.get("alike", {})),
            steps=_steps(stored.get("steps")),
            unread=tuple(
                UnreadLevels(each["factor"], each["reason"], tuple(each["rows"])) for each in stored.get("unread", ())
            ),
            script=stored.get("script", ""),
            metrics=tuple(map(Metric.from_json, metrics)) if metrics else UNDECLARED,
            unpaired=stored.get("unpaired", ""),
            summaries={
                label: {metric: Summary(one["sd"], one["seeds"]) for metric, one in of_row.items()}
                for label, of_row in stored.get("summaries", {}).items()
            },
            source=stored.get("source", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the document as the store writes it."""
        return {
            "question": self.question,
            "trainer": self.trainer,
            **rules(self),
            "metrics": [metric.to_json() for metric in self.metrics],
            "excluded": [_lists(rule) for rule in self.excluded],
            "seeds": list(self.seeds),
            "factors": [factor.to_json() for factor in self.factors],
            "config": self.config,
            "data": asdict(self.data) if self.data else None,
            "setting": [list(line) for line in self.setting],
            "tight": self.tight,
            "findings": list(self.findings),
            "examples_inferred": self.examples_inferred,
            "aliases": [asdict(table) for table in self.aliases],
            "overrides": list(self.overrides),
            **({"fractions": list(self.fractions)} if self.fractions else {}),
            **({"search": self.search.to_json()} if self.search else {}),
            **({"doubts": [asdict(doubt) for doubt in self.doubts]} if self.doubts else {}),
            **({"file": self.file} if self.file else {}),
            **({"hidden": {label: list(seeds) for label, seeds in self.hidden.items()}} if self.hidden else {}),
            **({"limits": [limits.to_json() for limits in self.limits]} if self.limits else {}),
            **({"declared": True} if self.declared else {}),
            **({"equal_rows": [list(labels) for labels in self.equal_rows]} if self.equal_rows else {}),
            **({"equal_seeds": [list(seeds) for seeds in self.equal_seeds]} if self.equal_seeds else {}),
            **({"alike": self.alike.to_json()} if self.alike != EqualResults() else {}),
            **({"steps": [list(step) for step in self.steps]} if self.steps is not None else {}),
            **({"script": self.script} if self.script else {}),
            **({"unread": [asdict(levels) for levels in self.unread]} if self.unread else {}),
            **({"unpaired": self.unpaired} if self.unpaired else {}),
            **({"summaries": self._summaries()} if self.summaries else {}),
            **({"source": self.source} if self.source else {}),
        }

    def _summaries(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {label: {name: asdict(one) for name, one in of_row.items()} for label, of_row in self.summaries.items()}


def rules(declared: Study | PlanDocument) -> dict[str, Any]:
    """Return the declared values on which a study's claims rest, as plans and looks store them.

    A rate that should rise has the values that earlier versions stored. They knew no other metrics.
    """
    metric = declared.metric(declared.primary)
    is_rising_rate = metric.is_rate and metric.scale is Scale.LINEAR and metric.direction is Direction.MAXIMIZE
    delta = (
        {DELTA_PP: declared.delta}
        if is_rising_rate
        else {DELTA: declared.delta, "direction": str(metric.direction), "scale": str(metric.scale)}
    )
    return {
        "primary": declared.primary,
        **delta,
        "alpha": declared.alpha,
        "family": declared.family.to_json(),
        "looks": list(declared.looks),
    }


def changed_rules(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return {name: (value before, value now)} of the `rules` that differ, of those that `before` has or implies."""
    names = [DELTA if name == DELTA_PP else name for name in before]
    values = {name: (_rule(before, name), _rule(now, name)) for name in (*names, "direction", "scale")}
    return {name: both for name, both in values.items() if both[0] != both[1]}


def _rule(declared: Mapping[str, Any], name: str) -> Any:
    """Return a value of `rules`. Values that are not written are those of a rate that should rise."""
    usual = {DELTA: declared.get(DELTA_PP), "direction": Direction.MAXIMIZE, "scale": Scale.LINEAR}
    return declared.get(name, usual.get(name))


def _was_inferred(stored: Mapping[str, Any]) -> bool:
    """Return True for logs that earlier versions imported: they inferred each number of examples that no row states."""
    return stored["trainer"] == "imported" and not stored.get("declared", False)


def _factor(stored: Mapping[str, Any]) -> StoredFactor:
    names = stored["name"], tuple(stored["sets"]), tuple(stored["levels"])
    values = tuple(map(tuple, stored.get("values", ())))
    return StoredFactor(*names, stored["baseline"], tuple(stored.get("bundle", ())), values)


def _implied_level(stored: Mapping[str, Any]) -> ImpliedLevel:
    return ImpliedLevel(stored["row"], stored["factor"], stored["listed"], stored["implied"])


def _steps(stored: Sequence[Sequence[str]] | None) -> tuple[tuple[str, str], ...] | None:
    return None if stored is None else tuple((above, row) for above, row in stored)


def _tuples(rule: Mapping[str, Sequence[LevelName]]) -> Excluded:
    return {name: tuple(levels) for name, levels in rule.items()}


def _lists(rule: Excluded) -> dict[str, list[LevelName]]:
    return {name: list(levels) for name, levels in rule.items()}


def _alias_table(stored: Mapping[str, Any]) -> AliasTable:
    return AliasTable(
        **{
            **stored,
            "factors": tuple(stored["factors"]),
            "relation": tuple(stored["relation"]),
            "chains": tuple(tuple(_term(term) for term in chain) for chain in stored["chains"]),
            "lost_effects": tuple(stored["lost_effects"]),
            "correlations": tuple(
                Correlation(_term(each["one"]), _term(each["other"]), each["size"]) for each in stored["correlations"]
            ),
        }
    )


def _term(stored: Mapping[str, Any]) -> Term:
    return Term(tuple(stored["factors"]), stored["sign"])
