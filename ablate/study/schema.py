"""The shape of a study file, as classes: what may stand where. Meaning is checked in `file.py`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ablate.train.config import TRAINERS

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Levels = dict[str, Any]


class Entry(BaseModel):
    """Strict: unknown keys and values of another type are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FactorEntry(Entry):
    sets: str | list[str] = Field(description="The config key that the factor sets, or a list of them.")
    levels: list[Any] | dict[Any, Any] = Field(description="The levels: a list, or level: value.")
    baseline: bool | int | float | str | None = Field(None, description="The baseline level; default: the first.")


class LadderEntry(Entry):
    start: str | Levels = Field(alias="from", description="A row's label, or levels; {} is the baseline.")
    add: list[str | Levels] = Field(description="What each rung adds: a factor, or levels.")


class DesignEntry(Entry):
    """One design; exactly one of the kinds."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    rows: dict[str, Levels] | None = Field(None, description="Explicit rows: label: levels (extends, title).")
    ladder: LadderEntry | None = Field(None, description="Cumulative: each rung adds to the one before.")


class LooksEntry(Entry):
    looks: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, description="Numbers of seeds at each look.")


class StudyEntry(Entry):
    study: Name = Field(description="The study's name in the store.")
    question: str = Field("", description="What the study asks.")
    trainer: str = Field("retrieval", description="What trains a trial.")
    primary: Literal["top1", "top5", "top10"] = Field("top1", description="The metric that verdicts are about.")
    delta: float = Field(0.5, gt=0, description="Smallest effect worth acting on, in percentage points.")
    alpha: float = Field(0.05, gt=0, lt=1, description="Error rate of the study's claims.")
    config: dict[str, Any] = Field({}, description="What every trial shares.")
    factors: dict[str, FactorEntry] = Field({}, description="What is varied.")
    design: list[DesignEntry] = Field(min_length=1, description="Designs; their union is run.")
    references: dict[str, dict[str, Any]] = Field(
        {}, description="Lines printed beside the rows and never compared with them: label: config keys."
    )
    seeds: int | list[int] | str | LooksEntry = Field(1, description="A number of seeds, a list, or first..last.")
    profiles: dict[Name, dict[str, Any]] = Field({}, description="Named overrides of anything above.")
    default_profile: str | None = Field(None, description="The profile used when none is asked for.")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a study file; `config` is described for every trainer."""
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
        rule["then"] = {"properties": {"config": {"$ref": f"#/$defs/config_{name}"}}}
        schema.setdefault("allOf", []).append(rule)
    schema["properties"]["trainer"]["enum"] = list(TRAINERS)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ablate study file", **schema}
