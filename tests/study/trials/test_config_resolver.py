"""The quick way to a study's trials and the plain way return the same keys."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ablate.errors import StudyError
from ablate.retrieval.config.presets import PRESETS
from ablate.study.config_keys import assigned, flattened, overlaps, value_at
from ablate.study.factors import Factor, Level
from ablate.study.model import ReferenceRow, Row, Study
from ablate.study.trials import config_resolver
from ablate.study.trials.code_hash import code_hashes
from ablate.study.trials.identity import Identity, digest, trials
from ablate.trainers.config import OutsideIdentity, Runtime
from ablate.trainers.registry import TRAINERS

VALUES: dict[str, dict[str, list[Any]]] = {
    "retrieval": {
        "loss.margin": [0.3, 0, 1, 0.30000000000000004],
        "loss.normalize_features": [False, True],
        "loss.omega": [0.9, 0.7],
        "augment.random_erasing": [None, False, {"p": 0.5}, {"p": 0.25, "area": [0.1, 0.2]}],
        "augment": [{"flip": 0.1}, {"random_erasing": {}}],
        "schedule.milestones": [[1, 2], []],
        "schedule": [{"steps": 3}],
        "evaluate.neck": ["before", "after"],
        "evaluate.whitening": [None, False, {"dimensions": 8}],
        "evaluate.rerank.k1": [20, 5],
        "amp": ["bf16", "none"],
        "runtime.threads": [1, 2],
        "runtime": [{"threads": 3}],
        "data.size": [[16, 16], [32, 32]],
        "model.backbone": ["resnet18", "resnet50"],
    },
    "simulated": {
        "settings.a": [0, 0.0, False, "0", None, [1, [2]], {"x": 1}, {1: 2, "b": 3}],
        "settings.b.c": [1, True, 1.0],
        "settings.b.d": [1, 2],
        "settings.e": ["on", True],
        "settings": [{}, {"é": "ü"}],
        "base": [0.3, 0, 1],
        "effects": [[], [{"when": {"a": 1}, "pp": 1}]],
        "seconds": [0, 0.5],
        "runtime.threads": [1, 2],
    },
}


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """A study of rows that set any keys which do not overlap, with or without a preset beneath."""
    trainer = draw(st.sampled_from(sorted(VALUES)))
    keys: list[str] = []
    for key in draw(st.lists(st.sampled_from(sorted(VALUES[trainer])), unique=True, min_size=2, max_size=6)):
        if not any(overlaps(key, other) for other in keys):
            keys.append(key)
    factors = []
    while keys:
        own = tuple(keys.pop() for _ in range(min(len(keys), draw(st.integers(1, 2)))))
        levels = tuple(
            Level(name, tuple(draw(st.sampled_from(VALUES[trainer][key])) for key in own)) for name in ("one", "two")
        )
        factors.append(Factor(f"f{len(factors)}", own, levels, levels[0]))
    rows = [
        Row(f"row {number}", {factor.name: draw(st.sampled_from(factor.levels)) for factor in factors})
        for number in range(draw(st.integers(2, 6)))
    ]
    written = assigned({}, draw(_settings(trainer)).items())
    preset = draw(st.sampled_from([None, "clean"])) if trainer == "retrieval" else None
    config = {**PRESETS["clean"], **written} if preset else written
    references = [ReferenceRow("reference", draw(_settings(trainer)))]
    of_file = ("s", "base", "", trainer, "top1", 0.5, 0.05, config, written, preset)
    return Study(*of_file, tuple(factors), tuple(rows), tuple(references), (0, 7))


def _settings(trainer: str) -> st.SearchStrategy[dict[str, Any]]:
    keys = [key for key in VALUES[trainer] if key not in ("augment", "schedule", "runtime", "settings")]
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(VALUES[trainer][key]) for key in keys})


def identifying(config: BaseModel, varied: set[str], prefix: str = "") -> dict[str, Any]:
    """Return the identifying part of a config, by the definition."""
    kept: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        key, value = prefix + name, getattr(config, name)
        if OutsideIdentity in field.metadata and not any(overlaps(key, other) for other in varied):
            continue
        inner = isinstance(value, BaseModel)
        kept[name] = identifying(value, varied, f"{key}.") if inner else config.model_dump(mode="json")[name]
    return kept


def effective(trainer: str, kept: dict[str, Any], config: dict[str, Any], varied: set[str]) -> dict[str, Any]:
    """Return the identifying part with the default of each key that nothing reads, by the definition."""
    entry = TRAINERS[trainer]
    defaults = flattened(entry.config().model_dump(mode="json"))

    def put(key: str, value: Any) -> None:
        *sections, last = key.split(".")
        section = value_at(kept, ".".join(sections)) if sections else kept
        if isinstance(section, dict) and last in section:
            section[last] = value

    for each in entry.alike:
        put(each.key, each.value(value_at(config, each.key), *(value_at(config, key) for key in each.given)))
    for condition in entry.unread:
        if condition.asks_data and all(value_at(config, key) == defaults[key] for key in condition.keys):
            continue  # a default stands for itself
        if condition.why(*(value_at(config, key) for key in condition.given)) is not None:
            for key, default in defaults.items():
                if any(f"{key}.".startswith(f"{each}.") for each in condition.keys):
                    put(key, default)
    return kept


def is_valid(model: type[BaseModel], config: Mapping[str, Any]) -> bool:
    try:
        model.model_validate(config)
    except ValidationError:
        return False
    return True


def declared(study: Study, said: Mapping[str, Any], seed: int) -> str:
    varied = {key for factor in study.factors for key in factor.sets}
    telling = without_outside(TRAINERS[study.trainer].config, said, varied)
    return digest({"trainer": study.trainer, "preset": study.preset, "config": telling, "seed": seed})


def without_outside(
    model: type[BaseModel], said: Mapping[str, Any], varied: set[str], prefix: str = ""
) -> dict[str, Any]:
    """Return the declared part of a config: without runtime fields, and without sections that have no other field."""
    kept: dict[str, Any] = {}
    for name, value in said.items():
        key, field = prefix + name, model.model_fields[name]
        inner = (
            field.annotation if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) else None
        )
        if OutsideIdentity in field.metadata and not any(overlaps(key, other) for other in varied):
            continue
        if inner is None or not isinstance(value, dict):
            kept[name] = value
        elif (rest := without_outside(inner, value, varied, f"{key}.")) or not issubclass(inner, Runtime):
            kept[name] = rest
    return kept


@pytest.mark.parametrize("most_kept", [pytest.param(0, marks=pytest.mark.slow), 5_000])
@settings(deadline=None)
@given(study=studies())
def test_every_key_is_the_digest_of_the_whole(most_kept: int, study: Study) -> None:
    baseline = [pair for f in study.factors for pair in zip(f.sets, f.baseline.values, strict=True)]
    raw = {row.label: study.row_config(row) for row in study.rows}
    raw |= {reference.label: study.reference_config(reference) for reference in study.references}
    said = {
        row.label: assigned(
            study.written, [pair for f in study.factors for pair in zip(f.sets, row.levels[f.name].values, strict=True)]
        )
        for row in study.rows
    }
    said |= {one.label: assigned(study.written, [*baseline, *one.settings.items()]) for one in study.references}
    model = TRAINERS[study.trainer].config
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_resolver, "MOST_KEPT", most_kept)
        try:
            found = trials(study)
        except StudyError:
            assert not all(is_valid(model, config) for config in raw.values())
            return
    assert [(trial.label, trial.seed) for trial in found] == [(label, seed) for label in raw for seed in study.seeds]
    varied = {key for factor in study.factors for key in factor.sets}
    for trial in found:
        config = model.model_validate(raw[trial.label])
        kept = effective(study.trainer, identifying(config, varied), config.model_dump(mode="json"), varied)
        evaluate = kept.pop("evaluate", {})
        data = TRAINERS[study.trainer].data_fingerprint(config)
        training = Identity(study.trainer, kept, trial.seed, data, code_hashes(study.trainer))
        assert trial.config == config.model_dump(mode="json")
        assert list(trial.config) == list(model.model_fields)
        assert (trial.training, trial.evaluate) == (training, evaluate)
        assert trial.training_key == training.key
        assert trial.key == digest([training.key, evaluate])
        if "{1: 2" not in str(said):  # keys that are no text have no place in JSON
            assert trial.declared == declared(study, said[trial.label], trial.seed)


@pytest.mark.parametrize("value", [math.nan, -math.inf, {1: 2, "b": 3, None: True}, [{False: math.nan}]])
def test_what_json_cannot_say_is_still_declared(value: Any) -> None:
    """Conditions of effects are anything; they never hold for these, and are no fault either."""
    of_file = ("s", "base", "", "simulated", "top1", 0.5, 0.05)
    found = []
    for condition in (value, "other"):
        config = {"effects": [{"when": {"a": condition}, "pp": 1.0}]}
        study = Study(*of_file, config, config, None, (), (Row("row", {}),), (), (0,))
        found += trials(study)
    assert len({trial.declared for trial in found}) == 2


def test_levels_are_not_changed_by_rows_that_set_more_inside_them() -> None:
    erasing = {"p": 0.5}
    assigned({}, [("augment.random_erasing", erasing), ("augment.random_erasing.p", 0.1)])
    assert erasing == {"p": 0.5}


def test_faults_of_a_hundred_thousand_rows_are_a_few_lines() -> None:
    levels = tuple(Level(number, (number,)) for number in range(20_000))
    factor = Factor("pad", ("settings.x",), levels, levels[0])
    rows = tuple(Row(f"row {level.name}", {"pad": level}) for level in levels)
    config = {"base": 0.3, "discordance": 0.9}
    study = Study("s", "base", "", "simulated", "top1", 0.5, 0.05, config, config, None, (factor,), rows, (), (0,))
    with pytest.raises(StudyError) as caught:
        trials(study)
    assert len(caught.value.faults) == 5
    assert caught.value.faults[0].startswith("row 'row 0': ")
    assert caught.value.faults[-1].endswith(" (and so in 19,995 more rows)")
