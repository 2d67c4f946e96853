"""Change every key of the config: results must be equal if and only if the table says that nothing reads the key."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.config.schedule import Schedule
from ablate.retrieval.data import label_facts
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.evaluation.embedding import embed
from ablate.retrieval.evaluation.pipeline import evaluate, extract
from ablate.retrieval.input.samplers import sampler
from ablate.retrieval.input.targets import labels
from ablate.retrieval.input.transfer import fetcher
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.device import deterministic
from ablate.retrieval.training.loop import BatchSource, fit
from ablate.retrieval.training.optimizer import learning_rate
from ablate.retrieval.training.trainer import begin
from ablate.study.config_keys import assigned, flattened, value_at
from ablate.study.model import Row, Study
from ablate.study.reading.config_checks import _keys
from ablate.study.trials.config_resolver import ConfigResolver
from ablate.study.trials.effective_config import EffectiveConfigs
from ablate.trainers.rank_results import ranks_of
from ablate.trainers.registry import TRAINERS
from ablate.trainers.unread import unread_reason
from tests.support.examples import by_profile

CPU = torch.device("cpu")
ERASING = {"p": 0.9, "area": [0.1, 0.3]}

VALUES: dict[str, list[Any]] = {
    "data.size": [[32, 24]],
    "model.backbone": ["timm/test_resnet", "resnet18"],
    "model.last_stride": [1, 2],
    "model.stem_relu": [True, False],
    "model.neck": ["bn", "none"],
    "model.bn_grouping": ["per_role", "fused"],
    "loss.metric": ["triplet", "pml/CircleLoss", "pml/ContrastiveLoss"],
    "loss.metric_options": [{}, {"gamma": 9}],
    "loss.omega": [0.9, 0.3],
    "loss.margin": [0.3, 0.0, 500.0],
    "loss.normalize_features": [True, False],
    "loss.distance": ["squared", "euclidean"],
    "loss.mining": ["given", "batch-hard"],
    "loss.target": ["category", "item"],
    "loss.unused_classes": [0, 3],
    "loss.label_smoothing": [0.0, 0.5],
    "augment.flip": [0.5, 1.0, 0.0],
    "augment.pad": [2, 8],
    "augment.random_erasing": [None, ERASING],
    "augment.random_erasing.p": [0.9, 0.1],
    "augment.random_erasing.area": [[0.1, 0.3], [0.3, 0.5]],
    "augment.random_erasing.aspect": [[0.3, 3.0], [0.1, 0.2]],
    "augment.random_erasing.aspect_law": ["linear", "log"],
    "augment.random_erasing.fill": ["raw_mean", "zero"],
    "batch.sampling": ["quadruplets", "pk"],
    "batch.quadruplets": [4, 5],
    "batch.drawn_once": [0, 6],
    "batch.items": [4, 5],
    "batch.images": [2, 3],
    "schedule.steps": [2, 3],
    "schedule.optimizer": ["adam", "adamw", "sgd"],
    "schedule.lr": [1e-3, 2e-3],
    "schedule.weight_decay": [5e-4, 0.5],
    "schedule.momentum": [0.9, 0.1],
    "schedule.decay": ["milestones", "cosine"],
    "schedule.milestones": [[1], [], [0]],
    "schedule.gamma": [0.1, 0.5],
    "schedule.warmup_steps": [0, 1, 3],
    "schedule.warmup_start": [0.1, 0.5],
    "schedule.warmup_shape": ["linear", "constant"],
    "amp": ["none", "bf16"],
    "evaluate.neck": ["before", "after"],
    "evaluate.flip": [False, True],
    "evaluate.whitening": [None, {"dimensions": 16}],
    "evaluate.whitening.dimensions": [16, 2],
    "evaluate.query_expansion": [None, {"k": 3}],
    "evaluate.query_expansion.k": [3, 1],
    "evaluate.query_expansion.alpha": [3.0, 0.0],
    "evaluate.rerank": [None, {"k1": 4, "k2": 2}],
    "evaluate.rerank.k1": [4, 2],
    "evaluate.rerank.k2": [2, 1],
    "evaluate.rerank.weight": [0.3, 0.9],
    "evaluate.scope": ["category", "all"],
    "evaluate.cameras": ["other", "all"],
}
"""Values of every key. Of a key that is read at least one must change a result, so they lie far apart."""

UNVARIED = {
    "data.name": "another data set",
    "data.root": "another data set",
    "model.pretrained": "needs a file or the internet; its content is in the identity",
    "model.pretrained_sha256": "the content of a file",
    "evaluate.detections": "needs DeepFashion2; its content is in the identity",
    "evaluate.detections_sha256": "the content of a file",
    "runtime": "outside the identity: at most the last bits depend on it",
}

PK = {
    "model.bn_grouping": "fused",
    "loss.mining": "batch-hard",
    "batch.sampling": "pk",
    "batch.items": 4,
    "batch.images": 2,
}
BASE: dict[str, Any] = {
    "data.size": [32, 32],
    "model.backbone": "timm/test_resnet",
    "augment.pad": 2,
    "batch.quadruplets": 4,
    "schedule.steps": 2,
    "schedule.lr": 1e-3,
    "schedule.milestones": [1],
    "amp": "none",
    "runtime.device": "cpu",
}
SURROUNDINGS: dict[str, dict[str, Any]] = {
    "as the log": {},
    "pk, sgd, cosine, warm-up": {
        **PK,
        "schedule.optimizer": "sgd",
        "schedule.decay": "cosine",
        "schedule.warmup_steps": 2,
    },
    "no metric term": {"loss.omega": 0.0},
    "no metric term, pk": {**PK, "loss.omega": 0.0},
    "no classification term": {"loss.omega": 1.0, "evaluate.neck": "after"},
    "a loss of pml": {"loss.metric": "pml/CircleLoss"},
    # The blocks of timm's untrained ResNets add nothing, and have a ReLU after it, so that they need none in the stem.
    "no training": {"model.backbone": "resnet18", "schedule.steps": 0, "augment.random_erasing": ERASING},
    "no training, pk": {**PK, "model.backbone": "resnet18", "schedule.steps": 0},
    "one step": {"schedule.steps": 1, "schedule.optimizer": "sgd", "schedule.warmup_steps": 1},
    "one step with a milestone": {"schedule.steps": 1, "schedule.milestones": [0]},
    "milestones beyond the end": {"schedule.milestones": [5], "schedule.warmup_steps": 1},
    "a gamma of 1": {"schedule.gamma": 1.0},
    "a warm-up that starts at 1": {"schedule.warmup_steps": 2, "schedule.warmup_start": 1.0},
    "a learning rate of 0": {
        "schedule.warmup_steps": 5,
        "schedule.warmup_start": 0.0,
        "schedule.warmup_shape": "constant",
    },
    "a rising learning rate": {"schedule.warmup_steps": 5, "schedule.warmup_start": 0.0},
    "random erasing": {"augment.random_erasing": ERASING, "batch.drawn_once": 6},
    "random erasing of nothing": {"augment.random_erasing": {"p": 0.0}},
    "random erasing without area": {"augment.random_erasing": {"p": 0.9, "area": [0.0, 0.0]}},
    "whitening and query expansion": {
        "evaluate.scope": "all",
        "evaluate.whitening": {"dimensions": 16},
        "evaluate.query_expansion": {"k": 3},
    },
    "re-ranking": {"evaluate.scope": "all", "evaluate.rerank": {"k1": 4, "k2": 2}},
    "re-ranking by the original distance": {"evaluate.rerank": {"k1": 4, "k2": 2, "weight": 1.0}},
    "one pixel in the last stage": {"data.size": [16, 16], "model.backbone": "resnet18", "augment.pad": 1},
    "one row in the last stage": {"data.size": [16, 32], "model.backbone": "resnet18", "augment.pad": 1},
}
SOME_KEYS = {
    "no training, pk": ("batch.", "loss.mining", "model.bn_grouping", "evaluate.scope"),
    "one pixel in the last stage": ("model.", "augment.pad", "evaluate.flip"),
    "one row in the last stage": ("model.", "augment.pad", "evaluate.flip"),
}
"""Surroundings with the large network, and the beginnings of the keys that they are about. Only the exhaustive profile
compares all keys there."""

DATA = ("plain", "with cameras", "one category", "a camera for each image")


@pytest.fixture(scope="module")
def datasets(make_dataset) -> dict[str, Dataset]:
    plain = make_dataset()
    cameras = np.random.default_rng(3).integers(0, 2, len(plain.item)).astype(np.int32)
    return {
        "plain": plain,
        "with cameras": replace(plain, camera=cameras),
        "one category": replace(plain, category=np.zeros_like(plain.category), categories=("all",)),
        "a camera for each image": replace(plain, camera=np.arange(len(plain.item), dtype=np.int32)),
    }


@pytest.fixture
def compare(datasets: Mapping[str, Dataset], make_dataset, monkeypatch: pytest.MonkeyPatch):
    """Return a function that fails if a key's values do not differ exactly as the table says."""

    def in_size(kind: str, size: tuple[int, int]) -> Dataset:
        """Return a data set of another size: the corner of its images."""
        return replace(datasets[kind], images=datasets[kind].images[:, : size[0], : size[1]])

    @cache
    def result(kind: str, settings: str) -> str:
        config = RetrievalConfig.model_validate_json(settings, strict=False)
        return digest(in_size(kind, config.data.size), config)

    def check(kind: str, surrounding: Mapping[str, Any], key: str) -> bool:
        """Compare a key's values. Return False if the config lacks the key there, or accepts no other value of it."""
        written = assigned({}, {**BASE, **surrounding}.items())
        config = RetrievalConfig.model_validate(written, strict=False)
        parent = key.rpartition(".")[0]
        if parent and value_at(config.model_dump(), parent) is None:
            return False
        monkeypatch.setattr(label_facts, "packed_labels", lambda name, root, size: in_size(kind, tuple(size)))
        reason = unread_reason(key, value_at(config.model_dump(mode="json"), key), unread(written))
        own = result(kind, config.model_dump_json())
        others = [other.model_dump_json() for other in changed(written, key)]
        equal = {settings: result(kind, settings) == own for settings in others}
        if reason:
            assert all(equal.values()), f"{key} is unread ({reason}), and yet a value changes the result"
        elif others:
            assert not all(equal.values()), f"{key} is read, and yet no value changes the result"
        return bool(others)

    return check


def changed(written: Mapping[str, Any], key: str) -> Iterator[RetrievalConfig]:
    """Yield the valid configs with another value of the key."""
    before = RetrievalConfig.model_validate(written, strict=False)
    for value in VALUES[key]:
        try:
            after = RetrievalConfig.model_validate(assigned(written, [(key, value)]), strict=False)
        except ValidationError:
            continue
        if after != before:
            yield after


def unread(written: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what the table says of a config; the test varies every key."""
    study = Study("s", "base", "", "retrieval", "top1", 0.5, 0.05, dict(written), dict(written), None, (),
                  (Row("row", {}),), (), (0,))  # fmt: skip
    _, parts = ConfigResolver(study).row({})
    return EffectiveConfigs(TRAINERS["retrieval"], set(VALUES)).of(parts).unread


def digest(dataset: Dataset, config: RetrievalConfig) -> str:
    """Return the hash of all that a test can see: weights of backbone and neck, embeddings, ranks, precisions."""
    deterministic(1)
    known = labels(dataset, config.loss)
    training = begin(config, known, 0, CPU)
    fetch = fetcher(dataset.images, CPU)
    if config.schedule.steps:
        source = BatchSource(sampler(dataset, config.batch), fetch, known)
        fit(training, source, config, 0, CheckpointSaver(None, 0.0, {}), lambda _: None)
    found = hashlib.sha256()
    for name, value in training.network.state_dict().items():
        if name.startswith(("backbone.", "neck.")):
            found.update(name.encode() + (value + 0.0 if value.is_floating_point() else value).numpy().tobytes())
    extracted = extract(training.network, dataset, fetch, config.amp, [config.evaluate])
    judged = evaluate(training.network, extracted, config.evaluate)
    for split in ("validation", "test"):
        precisions = [judged.measurement(name, split).examples for name in ("map", "map_at_r")]
        embeddings = embed(training.network, extracted.splits[split].features, config.evaluate).detach().numpy()
        for values in (embeddings, ranks_of(judged, split), *precisions):
            assert values is not None
            found.update(values.tobytes())
    return found.hexdigest()


def test_every_key_has_values() -> None:
    """A new key needs its values here, and its line in the table if something switches it off."""
    known, _ = _keys(RetrievalConfig)
    of_file = {key for key in known if not key.startswith("runtime.")}
    assert set(VALUES) | set(UNVARIED) - {"runtime"} == of_file
    assert not set(VALUES) & set(UNVARIED)
    for key, values in VALUES.items():
        assert len(values) > 1 or key == "data.size"


QUICK = ["schedule.momentum", "schedule.gamma", "loss.margin"]


@pytest.mark.parametrize("key", QUICK)
def test_what_is_read_without_surroundings(compare, key: str) -> None:
    assert compare("plain", {}, key)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("surrounding", SURROUNDINGS)
def test_results_are_equal_if_and_only_if_nothing_reads_the_key(compare, surrounding: str) -> None:
    beginnings = SOME_KEYS.get(surrounding, "")
    keys = [key for key in VALUES if key.startswith(by_profile(beginnings, exhaustive=""))]
    compared = [key for key in keys if compare("plain", SURROUNDINGS[surrounding], key)]
    assert len(compared) > 0.65 * len(keys)


@pytest.mark.network
@pytest.mark.parametrize("kind", DATA[1:])
def test_what_the_data_decide(compare, kind: str) -> None:
    surrounding = {"loss.target": "item", "loss.omega": 1.0}
    assert compare(kind, surrounding, "evaluate.cameras")
    assert compare(kind, surrounding, "evaluate.scope")


def test_the_data_that_decide_are_known(datasets: Mapping[str, Dataset]) -> None:
    """Labels decide: no camera, another camera for every image, one category."""
    found = {
        kind: (label_facts._camera_reason(each), label_facts._category_reason(each)) for kind, each in datasets.items()
    }
    assert {kind: [reason is not None for reason in reasons] for kind, reasons in found.items()} == {
        "plain": [True, False],
        "with cameras": [False, False],
        "one category": [True, True],
        "a camera for each image": [True, False],
    }


ALIKE = {
    "milestones beyond the end": ("schedule.milestones", [1, 9], [1, 2, 70], {}),
    "no milestone that is reached": ("schedule.milestones", [], [12000, 20000], {}),
    "the order of milestones": ("schedule.milestones", [1, 0], [0, 1], {}),
    "a constant warm-up beyond the end": ("schedule.warmup_steps", 2, 9, {"schedule.warmup_shape": "constant"}),
    "a warm-up of the only step": ("schedule.warmup_steps", 1, 9, {"schedule.steps": 1}),
    "milestones with a gamma of 1": ("schedule.milestones", [], [1], {"schedule.gamma": 1.0}),
    "no decay of either kind": ("schedule.decay", "milestones", "cosine", {"schedule.steps": 1}),
    "a warm-up from the whole rate": ("schedule.warmup_steps", 0, 2, {"schedule.warmup_start": 1.0}),
    "AdamW without weight decay": ("schedule.optimizer", "adam", "adamw", {"schedule.weight_decay": 0.0}),
    "random erasing of no image": ("augment.random_erasing", None, {"p": 0.0, "fill": "zero"}, {}),
    "random erasing without area": ("augment.random_erasing", None, {"p": 0.9, "area": [0.0, 0.0]}, {}),
}


@pytest.mark.network
@pytest.mark.parametrize("name", ALIKE)
def test_values_that_act_alike_are_one_training(datasets: Mapping[str, Dataset], name: str) -> None:
    key, one, other, more = ALIKE[name]
    written = [assigned({}, {**BASE, **more, key: value}.items()) for value in (one, other)]
    configs = [RetrievalConfig.model_validate(each, strict=False) for each in written]
    assert configs[0] != configs[1]
    assert digest(datasets["plain"], configs[0]) == digest(datasets["plain"], configs[1])
    assert identifying(written[0]) == identifying(written[1])


@pytest.mark.parametrize(("key", "value"), [("schedule.milestones", [1]), ("schedule.warmup_steps", 1)])
def test_values_that_act_are_kept(key: str, value: Any) -> None:
    assert flattened(identifying(assigned({}, {**BASE, key: value}.items())))[key] == value


def test_equal_identities_have_equal_learning_rates() -> None:
    """A gamma of 1 switches milestones off, and no milestone switches gamma off: both are left out, and never decay."""
    steps, values = (*range(6), 11999, 12000, 20000), np.random.default_rng(5)
    choices: dict[str, list[Any]] = {
        "steps": [1, 2, 3, 25000],
        "decay": ["milestones", "cosine"],
        "milestones": [[], [0], [1], [1, 0], [30000], [12000, 20000], [1, 30000]],
        "gamma": [1.0, 0.1, 0.5],
        "warmup_steps": [0, 1, 2, 5],
        "warmup_start": [0.0, 0.01, 1.0],
        "warmup_shape": ["linear", "constant"],
    }
    for _ in range(500):
        chosen = {name: of_key[values.integers(len(of_key))] for name, of_key in choices.items()}
        both = [chosen, identifying({"schedule": chosen})["schedule"]]
        schedules = [Schedule.model_validate(each, strict=False) for each in both]
        assert schedules[0].steps == schedules[1].steps
        one, other = ([learning_rate(step, each) for step in steps if step < each.steps] for each in schedules)
        assert one == other, chosen


def identifying(written: Mapping[str, Any]) -> Mapping[str, Any]:
    study = Study("s", "base", "", "retrieval", "top1", 0.5, 0.05, dict(written), dict(written), None, (),
                  (Row("row", {}),), (), (0,))  # fmt: skip
    _, parts = ConfigResolver(study).row({})
    return EffectiveConfigs(TRAINERS["retrieval"]).of(parts).identifying
