"""The shape of a study file, as classes. The meaning of its values is checked in `study_reader.py`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from ablate.study.reading.declared_numbers import MOST_ALPHA, USUAL_DELTA, error_rate
from ablate.study.reading.seeds_and_looks import LEAST_SEEDS, MOST_LOOKS
from ablate.study.search_space.space import DEFAULT_TRIALS, PRUNERS, SAMPLERS, TPE
from ablate.trainers.config import AsWhole
from ablate.trainers.costs import COSTS
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.registry import DECLARED, DEFAULT, TRAINERS, declared_kind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Whole = Annotated[int, AsWhole]
Levels = dict[str, Any]
Start = Annotated[str | Levels, Field(alias="from", description="A row's label, or levels; {} is the baseline.")]
Names = Annotated[list[str], Field(min_length=1)]
Contrast = Annotated[list[str], Field(min_length=2, max_length=2)]
Alpha = Annotated[
    float,
    AfterValidator(error_rate),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": MOST_ALPHA}),
]
Delta = Annotated[float, WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
KINDS = ("rows", "ladder", "add_one", "leave_one_out", "pairs", "grid", "fractional")
MOST_TRIALS, MOST_FINALISTS = 1_000_000, 10_000


def _no_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class SchemaEntry(BaseModel):
    """A strict entry: unknown keys and values of another type are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FactorEntry(SchemaEntry):
    """One factor."""

    sets: str | list[str] = Field(description="The config key that the factor sets, or a list of them.")
    levels: list[Any] | dict[Any, Any] = Field(description="The levels: a list, or level: value.")
    baseline: bool | int | float | str | None = Field(None, description="The baseline level; default: the first.")


class LadderEntry(SchemaEntry):
    start: Start
    add: list[str | Levels] = Field(description="The addition of each rung: a factor, or levels.")


class AddOneEntry(SchemaEntry):
    start: Start
    factors: Names | None = Field(None, description="The factors that vary; default: all.")


class LeaveOneOutEntry(SchemaEntry):
    start: Start
    factors: Names | None = Field(None, description="Factors and groups; default: all that are not at baseline.")


class PairsEntry(SchemaEntry):
    start: Start
    factors: Names = Field(description="The factors that vary, two at a time.")


class FractionalEntry(SchemaEntry):
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["resolution"]}, {"required": ["generators"]}]})

    start: Start
    factors: Names = Field(description="The factors that vary; in generators they are A, B, C, ... in this order.")
    resolution: Literal[3, 4, 5] | None = Field(None, description="The least resolution; the fewest runs that have it.")
    generators: Names | None = Field(None, description="For two-level factors: D=ABC, E=-AB.")


class DesignEntry(SchemaEntry):
    """One design: exactly one of KINDS, and `from` next to a grid."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [kind]} for kind in KINDS],
            "dependentRequired": {"from": ["grid"]},
        }
    )

    rows: dict[str, Levels] | None = Field(None, description="Explicit rows: label: levels (extends, title).")
    ladder: LadderEntry | None = Field(None, description="Cumulative: each rung adds to the one before.")
    add_one: AddOneEntry | None = Field(None, description="One factor at a time, each level that adds to `from`.")
    leave_one_out: LeaveOneOutEntry | None = Field(None, description="One factor or group at a time back to baseline.")
    pairs: PairsEntry | None = Field(None, description="Two factors at a time.")
    grid: dict[str, list[Any]] | None = Field(None, description="Full factorial: factor: levels.")
    fractional: FractionalEntry | None = Field(None, description="A fraction of the full factorial.")
    start: str | Levels | None = Field(
        None, alias="from", description="The levels of the factors that a grid does not vary."
    )


class RequireEntry(SchemaEntry):
    condition: Levels = Field(alias="if", description="If a row has all these levels (or one of each list),")
    then: Levels = Field(description="it must have these levels as well.")


class DimensionEntry(SchemaEntry):
    """One dimension of a search: a range, or choices."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["low", "high"]}, {"required": ["choices"]}],
            "dependentRequired": {"low": ["high"], "high": ["low"], "step": ["low"], "log": ["low"]},
        }
    )

    low: float | None = Field(None, description="The least value.")
    high: float | None = Field(None, description="The greatest value.")
    step: float | None = Field(
        None, gt=0, description="The distance between two values of a range; default: any value."
    )
    log: bool = Field(False, description="On if the range is searched on a log scale.")
    choices: list[Any] | None = Field(
        None,
        description="Levels of a factor, or values of a config key.",
        json_schema_extra={"items": {"type": ["boolean", "number", "string"]}, "minItems": 2, "uniqueItems": True},
    )


_BEST = {"at": {"const": "best"}, "of": {"type": "string"}, "better": {"enum": ["higher", "lower"]}}
_TAKES = [
    {"enum": ["last", None]},
    {"type": "object", "properties": {"step": {"type": "number"}}, "required": ["step"], "additionalProperties": False},
    {"type": "object", "properties": _BEST, "required": ["at", "of"], "additionalProperties": False},
]
TakeEntry = Annotated[Any, WithJsonSchema({"anyOf": _TAKES})]
"""The value of a series that counts. It is checked in `trainers/measuring/declaration.py`, with the other metrics."""


class MetricEntry(SchemaEntry):
    """A metric that the study lists: one that the trainer does not declare, or another scale for one that it does."""

    better: Literal["higher", "lower"] | None = Field(
        None, description="The better values; needed for a metric that the trainer does not declare."
    )
    unit: str | None = Field(
        None, description='The unit of its values, such as nats; "%" is for a rate in [0, 1], shown in percent.'
    )
    scale: Literal["linear", "log"] | None = Field(
        None, description="log if two values are compared by their ratio; default: by their difference."
    )
    origin: str | None = Field(
        None,
        alias="from",
        description="The place of its values, of a trainer of your own: result:KEY, json:KEY, stdout:REGEX, "
        "tensorboard:TAG or FILE:KEY; default: its name in the results.",
    )
    take: TakeEntry = Field(
        None, description="The value of a series: last, {step: 1000}, or {at: best, of: NAME}; default: last."
    )
    examples: str | None = Field(None, description="A CSV file with the columns id, value and, if any, cluster.")
    split: Literal["validation", "test"] | None = Field(
        None, description="The data that it is measured on; default: by its name, as in val_loss, otherwise test."
    )
    percent: bool = Field(False, description='On if the script writes percent, for the unit "%".')


class FinalistsEntry(SchemaEntry):
    top: Whole = Field(3, ge=1, le=MOST_FINALISTS, description="The number of the best trials that are trained again.")
    seeds: Whole = Field(
        5, ge=1, le=MOST_FINALISTS, description="The number of seeds of each of them, and of the baseline."
    )


class SearchEntry(SchemaEntry):
    space: dict[str, DimensionEntry] = Field(
        min_length=1, description="Factor or config key: {low, high, step, log} or {choices}."
    )
    start: Start = Field({}, alias="from", description="The levels of the other factors; default: the baseline.")
    sampler: str = Field(
        TPE, description="The method that proposes the next trial.", json_schema_extra={"enum": list(SAMPLERS)}
    )
    pruner: str | None = Field(
        None,
        description="The method that stops unpromising trials; default: none.",
        json_schema_extra={"enum": [*PRUNERS, None]},
    )
    metric: str | Annotated[list[str], Field(min_length=1, json_schema_extra={"uniqueItems": True})] | None = Field(
        None, description="One or several metrics, to be better on the validation split; default: the study's primary."
    )
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS), AsWhole] | None = Field(
        None,
        description=f"The number of trials; default: {DEFAULT_TRIALS}, or as many as hours allow.",
    )
    hours: float | None = Field(None, gt=0, description="The number of hours in which new trials are started.")
    finalists: FinalistsEntry = Field(FinalistsEntry(), description="The trials that are trained again at the end.")


_LOOKS = {"type": "array", "items": {"type": "integer", "minimum": LEAST_SEEDS}, "minItems": 2, "maxItems": MOST_LOOKS}


class LooksEntry(SchemaEntry):
    """Looks at the results. They are checked one by one in `seeds.py`, so that each fault has its place."""

    looks: Annotated[Any, WithJsonSchema(_LOOKS)] = Field(description="Numbers of seeds at each look.")


class StudyEntry(SchemaEntry):
    study: Name = Field(description="The study's name in the store.")
    question: str = Field("", description="The question of the study, in words.")
    trainer: Any = Field(DEFAULT, description="The trainer of every trial: a name, or a command or function of yours.")
    metrics: dict[str, MetricEntry] = Field({}, description="Metrics that the trainer does not declare, and scales.")
    primary: str = Field(
        "",
        description="The metric that verdicts are about; default: the trainer's first.",
        json_schema_extra=_no_default,
    )
    delta: Delta = Field(
        USUAL_DELTA,
        description="Smallest effect worth acting on, as effects are shown: in percentage points of a rate, in the "
        "metric's unit, or as a ratio on a log scale; default: 0.5, for rates only.",
    )
    alpha: Alpha = Field(0.05, description="Error rate of the study's claims.")
    config: dict[str, Any] = Field({}, description="The config that every trial shares.")
    runtime: dict[str, Any] = Field({}, description="The settings of every run, such as its threads and device.")
    factors: dict[str, FactorEntry] = Field({}, description="The factors that vary: name: factor.")
    groups: dict[str, Names] = Field({}, description="Factors that leave_one_out puts back together: name: factors.")
    design: list[DesignEntry] | None = Field(None, min_length=1, description="Designs; their union is run.")
    exclude: list[Levels] = Field([], description="Combinations that must not occur: factor: level or list of levels.")
    require: list[RequireEntry] = Field([], description="Levels that only make sense with others.")
    family: Literal["direct", "effects"] | Annotated[list[Contrast], Field(min_length=1)] = Field(
        "direct", description="The contrasts that share the error: direct, effects, or a list of [row, row]."
    )
    references: dict[str, dict[str, Any]] = Field(
        {}, description="Lines printed next to the rows and never compared with them: label: config keys."
    )
    seeds: Whole | list[Whole] | str | LooksEntry = Field(
        1, description="A number of seeds, a list, a range, or looks."
    )
    search: SearchEntry | None = Field(None, description="The search of `ablate search`; a design is optional then.")
    profiles: dict[Name, dict[str, Any]] = Field({}, description="Named overrides of any key above.")
    default_profile: str | None = Field(None, description="The profile that is used if none is named.")


def _metric_names(trainer: TrainerEntry[Any]) -> dict[str, Any]:
    """Return the keys of a study file that name metrics, if its trainer knows them all."""
    if trainer.measures_listed:
        return {}
    names = {"enum": [metric.name for metric in (*trainer.metrics([]), *COSTS)]}
    several = {"anyOf": [names, {"type": "array", "items": names}, {"type": "null"}]}
    return {
        "metrics": {"propertyNames": names},
        "primary": names,
        "search": {"properties": {"metric": several}},
    }


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file. It describes `config` for every trainer."""
    schema = StudyEntry.model_json_schema(by_alias=True)
    definitions = schema.setdefault("$defs", {})
    for name, trainer in TRAINERS.items():
        inner = trainer.config.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= inner.pop("$defs", {})
        if trainer.presets:
            inner["properties"]["preset"] = {"enum": list(trainer.presets), "description": "Values to start from."}
        definitions[f"config_{name}"] = inner
        rule: dict[str, Any] = {"if": {"properties": {"trainer": {"const": name}}}}
        if name != StudyEntry.model_fields["trainer"].default:
            rule["if"]["required"] = ["trainer"]
        runtime = inner["properties"]["runtime"]
        inner["properties"]["runtime"] = runtime | {"deprecated": True, "description": "The older place of `runtime`."}
        rule["then"] = {
            "properties": {"config": {"$ref": f"#/$defs/config_{name}"}, "runtime": runtime, **_metric_names(trainer)}
        }
        schema.setdefault("allOf", []).append(rule)
    declared = []
    for name in DECLARED:
        spec = declared_kind(name).spec.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions |= spec.pop("$defs", {})
        declared.append(spec)
    named = {"type": "string", "enum": list(TRAINERS)}
    schema["properties"]["trainer"] = {**schema["properties"]["trainer"], "anyOf": [named, *declared]}
    schema["anyOf"] = [{"required": ["design"]}, {"required": ["search"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "ablate study file"}
