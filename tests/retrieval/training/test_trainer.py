import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from ablate.errors import AblateError, DataError
from ablate.measurement import COST
from ablate.retrieval.data import GALLERY, QUERY, SHOP, USER, Dataset, load
from ablate.retrieval.data.packing.format import COLUMNS
from ablate.retrieval.input.samplers import sampler
from ablate.retrieval.input.targets import labels
from ablate.retrieval.input.transfer import fetcher
from ablate.retrieval.training import loop
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.loop import BatchSource, fit, thin
from ablate.retrieval.training.trainer import begin, train, train_on
from ablate.trainers.protocol import Progress
from ablate.trainers.rank_results import ranks_of

CPU = torch.device("cpu")


def silent(_: Progress) -> None:
    pass


def ranks(outcome, number=0):
    return [ranks_of(outcome[number], split).tolist() for split in ("validation", "test")]


def trained(dataset, config, seed=0):
    """The backbone's weights and statistics after training, as one vector."""
    known = labels(dataset, config.loss)
    training = begin(config, known, seed, CPU)
    source = BatchSource(sampler(dataset, config.batch), fetcher(dataset.images, CPU), known)
    fit(training, source, config, seed, CheckpointSaver(None, 0.0, {}), silent)
    return torch.cat([value.flatten() for value in training.network.backbone.state_dict().values()])


@pytest.fixture(scope="module")
def baseline(dataset, configure):
    return trained(dataset, configure())


@pytest.mark.network
def test_the_same_seed_gives_the_same_ranks_in_another_process_too(dataset, configure):
    config = configure(augment={"random_erasing": {"p": 0.5}})
    here, again = (train_on(dataset, [config], 0, silent) for _ in range(2))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(train_on, dataset, [config], 0, silent).result()
    assert ranks(here) == ranks(again) == ranks(there)
    assert here[0].curve == again[0].curve == there[0].curve
    assert ranks(here) != ranks(train_on(dataset, [config], 1, silent))


def test_the_parameters_that_are_trained_are_counted(dataset, configure):
    """By hand: the weights of the classifier without bias, the scale of the neck, and all of the backbone's."""
    config = configure(schedule={"steps": 0})
    training = begin(config, labels(dataset, config.loss), 0, CPU)
    width, classes = training.network.width, labels(dataset, config.loss).classes
    backbone = sum(weight.numel() for weight in training.network.backbone.parameters())
    (result,) = train_on(dataset, [config], 0, silent)
    assert result.value("parameters", COST) == backbone + width + classes * width


@pytest.mark.network
def test_evaluation_settings_share_one_training(dataset, configure, monkeypatch):
    settings = [
        *({"neck": "before"}, {"neck": "after"}, {"scope": "all"}, {"flip": True}, {"whitening": {"dimensions": 16}}),
        *({"query_expansion": {"k": 3}}, {"rerank": {"k1": 4, "k2": 2}}),
    ]
    steps, draw = [], loop.draw
    with monkeypatch.context() as patched:
        patched.setattr(loop, "draw", lambda *args: steps.append(args[-1]) or draw(*args))
        together = train_on(dataset, [configure(evaluate=each) for each in settings], 0, silent)
    alone = [train_on(dataset, [configure(evaluate=each)], 0, silent) for each in settings]
    assert steps == [0, 1, 2]
    assert [ranks(together, number) for number in range(len(settings))] == [ranks(each) for each in alone]
    assert not any(ranks(together, 0) == ranks(together, number) for number in range(1, len(settings)))


def test_configs_that_differ_elsewhere_are_our_own_bug(dataset, configure):
    with pytest.raises(AssertionError):
        train_on(dataset, [configure(), configure(amp="none")], 0, silent)


@pytest.mark.network
@pytest.mark.parametrize(
    "change",
    [
        {"loss": {"omega": 0.5}},
        {"loss": {"margin": 9.0}},
        {"loss": {"normalize_features": True}},
        {"loss": {"label_smoothing": 0.1}},
        {"loss": {"distance": "euclidean"}},
        {"loss": {"mining": "batch-hard"}},
        {"loss": {"target": "item"}},
        {"loss": {"unused_classes": 1, "label_smoothing": 0.1}},
        {"batch": {"drawn_once": 8}},
        {"loss": {"metric": "pml/CircleLoss"}},
        {"loss": {"metric": "pml/CircleLoss", "metric_options": {"gamma": 9}}},
        {"model": {"bn_grouping": "fused"}},
        {"model": {"neck": "none"}},
        {"augment": {"flip": 0.0}},
        {"augment": {"pad": 4}},
        {"augment": {"random_erasing": {"p": 0.5}}},
        {"augment": {"random_erasing": {"p": 0.5, "fill": "zero"}}},
        {"augment": {"random_erasing": {"p": 0.5, "aspect_law": "log"}}},
        {"batch": {"quadruplets": 5}},
        {"schedule": {"lr": 1e-4}},
        {"schedule": {"weight_decay": 0.0}},
        {"schedule": {"warmup_steps": 2}},
        {"schedule": {"warmup_steps": 2, "warmup_shape": "constant"}},
        {"schedule": {"milestones": [1]}},
        {"schedule": {"decay": "cosine"}},
        {"schedule": {"optimizer": "adamw"}},
        {"schedule": {"optimizer": "sgd"}},
        {"schedule": {"optimizer": "sgd", "momentum": 0.5}},
        {"model": {"last_stride": 2}},
        {"model": {"stem_relu": False}},
        {"amp": "none"},
    ],
    ids=str,
)
def test_every_training_setting_changes_the_training(dataset, configure, others, change):
    """And no two of them do the same."""
    found = trained(dataset, configure(**change))
    assert not any(torch.equal(found, other) for other in others)
    others.append(found)


@pytest.fixture(scope="module")
def others(baseline):
    return [baseline]


@pytest.mark.network
def test_training_again_gives_the_same_weights(dataset, configure, baseline):
    assert torch.equal(baseline, trained(dataset, configure()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "amp"), [("timm/test_resnet", "none"), pytest.param("resnet18", "bf16", marks=pytest.mark.network)]
)
def test_training_lowers_the_loss_and_beats_the_untrained_network(make_dataset, configure, backbone, amp):
    dataset = make_dataset(items=100)
    model = {"backbone": backbone}
    schedule = {"steps": 30, "lr": 1e-3, "milestones": []}
    told = []
    config = configure(model=model, batch={"quadruplets": 8}, schedule=schedule, amp=amp)
    outcome = train_on(dataset, [config], 0, told.append)
    untrained = train_on(dataset, [configure(model=model, schedule={"steps": 0}, amp=amp)], 0, silent)
    losses = [loss for _, loss in outcome[0].curve]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) / 2
    assert (np.array(ranks(outcome)[0]) == 1).mean() > (np.array(ranks(untrained)[0]) == 1).mean()
    assert list(dict.fromkeys(step.step for step in told)) == [10, 20, 30]
    assert told[-1] == Progress(30, 30, losses[-1])
    assert untrained[0].curve == []


def test_gallery_and_environment_are_recorded(dataset, configure):
    outcome = train_on(dataset, [configure(schedule={"steps": 0})], 0, silent)
    assert {split: of["gallery"] for split, of in outcome[0].sizes.items()} == {"validation": 16, "test": 16}
    assert outcome[0].environment["threads"] == "1"
    assert outcome[0].environment["bf16_hardware"] in ("yes", "no")


@pytest.mark.network
def test_a_loss_that_is_not_finite_names_its_step(dataset, configure):
    config = configure(schedule={"steps": 40, "lr": 1e30}, amp="none")
    terms = r"metric term \S+, classification term \S+, learning rate 1e\+30; lower schedule\.lr"
    with pytest.raises(RuntimeError, match=r"the loss of step \d+ is (nan|inf): " + terms):
        train_on(dataset, [config], 0, silent)


def test_a_batch_larger_than_the_data_is_refused_before_training(make_dataset, configure):
    dataset = make_dataset(items=10, categories=1)
    with pytest.raises(AblateError, match=r"batch\.quadruplets: 40 needs 160 images"):
        train_on(dataset, [configure(batch={"quadruplets": 40})], 0, silent)


def test_data_too_small_for_a_quadruplet_can_still_be_evaluated(make_dataset, configure):
    dataset = make_dataset(items=5, categories=5)
    dataset.split[:] = np.maximum(dataset.split, 1)
    with pytest.raises(AblateError, match="no quadruplet can be drawn"):
        train_on(dataset, [configure()], 0, silent)
    train_on(dataset, [configure(schedule={"steps": 0})], 0, silent)


def test_a_long_history_is_thinned_to_means_of_equal_stretches():
    curve = thin([float(step) for step in range(1, 251)])
    assert len(curve) == 84
    assert curve[0] == (3, 2.0)
    assert curve[-1] == (250, 250.0)
    assert thin([5.0, 7.0]) == [(1, 5.0), (2, 7.0)]
    assert loop.LOOK_EVERY == 10


@pytest.mark.network
def test_a_trial_on_the_embedded_emoji(configure):
    size = (16, 16)
    outcome = train([configure(data={"name": "emoji", "size": list(size)})], 0, 1, silent)
    emoji = load("emoji", None, size)
    for number, split in ((1, "validation"), (2, "test")):
        here = emoji.split == number
        found = ranks_of(outcome[0], split)
        assert outcome[0].sizes[split]["gallery"] == (here & (emoji.domain == SHOP)).sum()
        assert len(found) == (here & (emoji.domain == USER)).sum()
        assert found.min() > 0


def test_a_last_step_that_blows_up_is_told_with_its_rate(dataset, configure):
    """Its loss was still finite, so that only the weights show it."""
    config = configure(schedule={"steps": 1, "lr": 1e38, "optimizer": "sgd"}, amp="none")
    with pytest.raises(RuntimeError, match=r"step 1, the last, left weights that are not finite.*learning rate 1e\+38"):
        train_on(dataset, [config], 0, silent)


def test_libraries_that_compute_a_result_are_on_record(dataset, configure):
    found = train_on(dataset, [configure(schedule={"steps": 0})], 0, silent)[0].environment
    assert {"torch", "torchvision", "timm", "pytorch-metric-learning", "numpy", "pillow", "compile"} <= set(found)
    assert "none" not in (found["timm"], found["torchvision"])


@dataclass(frozen=True)
class Detected:
    """Stands in for what reading a file of detections gives."""

    dataset: Dataset
    stands_for: np.ndarray


def on_boxes(dataset):
    """The test split's own images as detected boxes, but for the first query's."""
    test = dataset.split == 2
    kept = {name: getattr(dataset, name)[test] for name in ("images", *COLUMNS)}
    stands_for = np.flatnonzero(kept["role"] == QUERY)
    stands_for[0] = -1
    return Detected(replace(dataset, **kept), stands_for)


@pytest.mark.network
def test_detected_boxes_are_tested_beside_the_annotated(dataset, configure):
    """The same boxes give the same ranks, query by query; one without a box is a miss."""
    configs = [configure(evaluate=setting) for setting in ({}, {"detections": "boxes.json"})]
    outcome = train_on(dataset, configs, 0, silent, detections={"boxes.json": on_boxes(dataset)})
    annotated, found = ranks(outcome, 0), ranks(outcome, 1)
    assert found == [annotated[0], [0, *annotated[1][1:]]]
    assert annotated[1][0] > 0


def test_detected_boxes_that_cannot_be_searched_are_refused_before_training(dataset, configure):
    config = configure(evaluate={"detections": "boxes.json", "rerank": {"k1": 17}, "scope": "all"})
    with pytest.raises(AblateError) as fault:
        train_on(dataset, [config], 0, silent, detections={"boxes.json": on_boxes(dataset)})
    assert str(fault.value).startswith("evaluate.rerank.k1: 17 neighbours are needed, and the validation split")
    config = configure(evaluate={"detections": "boxes.json", "rerank": {"k1": 16}, "scope": "all"})
    fewer = on_boxes(dataset)
    fewer.dataset.role[np.flatnonzero(fewer.dataset.role == GALLERY)[:2]] = 0
    with pytest.raises(AblateError, match=r"k1: 16 neighbours are needed, and the detections boxes\.json have 14"):
        train_on(dataset, [config], 0, silent, detections={"boxes.json": fewer})


@pytest.mark.slow
def test_detections_that_changed_since_they_were_planned_with(configure, tmp_path):
    path = tmp_path / "boxes.json"
    path.write_bytes(b"[]")
    planned = hashlib.sha256(b"[]").hexdigest()
    config = configure(evaluate={"detections": str(path), "detections_sha256": planned}, data={"size": [8, 8]})
    path.write_bytes(b"[ ]")
    with pytest.raises(AblateError, match=r"boxes\.json has changed since the trial was planned; plan and run again"):
        train([config], 0, 1, silent)
    path.unlink()
    with pytest.raises(DataError, match=r"evaluate\.detections: \S+boxes\.json cannot be read \(No such file"):
        train([config], 0, 1, silent)


def test_more_dimensions_than_the_network_has_are_refused_before_training(dataset, configure):
    told = []
    vit = {"backbone": "timm/test_vit", "last_stride": 2}
    config = configure(model=vit, evaluate={"whitening": {"dimensions": 65}})
    with pytest.raises(AblateError, match=r"dimensions: 65 is more than the 64 that the features of timm/test_vit"):
        train_on(dataset, [configure(model=vit), config], 0, told.append)
    assert told == []
