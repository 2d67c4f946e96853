import math

import pytest
import torch

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.backbone import backbone, resnet, se_resnet, timm, torchvision
from ablate.retrieval.model.initial_weights import from_file, library_draws, load_pretrained
from ablate.retrieval.model.network import network

CPU = torch.device("cpu")
TINY = {"backbone": "timm/test_resnet", "last_stride": 2}


def configured(**model):
    return RetrievalConfig.model_validate({"data": {"size": [32, 32]}, "model": model})


def weights(seed=0, classes=3, **model):
    return network(configured(**model), classes, seed, CPU).state_dict()


def whole(name):
    """A library's network, with its classifier; its norms too have been trained a little."""
    options = {"img_size": 32} if name == "timm/test_vit" else {}
    made = timm().create_model(name[5:], **options) if name.startswith("timm/") else None
    made = made or (se_resnet if name.startswith("se_") else resnet)(name)
    return {key: value + 1 for key, value in made.state_dict().items()}


def shared(one, other):
    """Names of the layers in both, of one shape, whose weights are drawn."""
    return [
        name for name, value in one.items() if value.ndim == 4 and name in other and other[name].shape == value.shape
    ]


@pytest.mark.slow
def test_a_seed_gives_its_weights_and_another_seed_others():
    first, again, other = weights(), weights(), weights(seed=1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in shared(first, other))


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"last_stride": 2}, {"stem_relu": False}, {"backbone": "resnet34"}])
def test_arms_that_share_a_layer_start_it_alike(change):
    one, other = weights(), weights(**change)
    names = shared(one, other)
    assert len(names) == 20
    assert all(torch.equal(one[name], other[name]) for name in names)
    assert torch.equal(one["classifier.weight"], other["classifier.weight"])


def test_backbones_of_two_libraries_share_their_layers():
    plain, se = weights(), weights(backbone="se_resnet18")
    assert torch.equal(plain["backbone.conv1.weight"], se["backbone.layer0.conv1.weight"])
    names = shared(plain, se)
    assert len(names) == 19
    assert all(torch.equal(plain[name], se[name]) for name in names)


def test_layers_are_drawn_apart_from_each_other():
    drawn = weights()
    one, other = (drawn[f"backbone.layer1.{block}.conv1.weight"].flatten() for block in (0, 1))
    assert abs(float(torch.corrcoef(torch.stack([one, other]))[0, 1])) < 0.02


def test_weights_follow_the_librarys_law():
    ours, theirs = weights(), resnet("resnet18").state_dict()
    for name, value in theirs.items():
        if value.ndim == 4:
            mine = ours[f"backbone.{name}"]
            assert mine.std().item() == pytest.approx(value.std().item(), rel=5 / math.sqrt(2 * value.numel()) * 2)
        elif not name.startswith("fc."):
            assert torch.equal(ours[f"backbone.{name}"], value)
    assert ours["classifier.weight"].std().item() == pytest.approx(0.001, rel=0.1)
    assert torch.equal(ours["neck.weight"], torch.ones(512))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"last_stride": 1}, {"stem_relu": False}, {"neck": "none"}, {"bn_grouping": "fused"}]
)
def test_arms_with_a_backbone_of_timm_start_it_alike(change):
    model = {"backbone": "timm/resnet10t", "last_stride": 2}
    one, other = weights(**model), weights(**{**model, **change})
    assert all(torch.equal(one[name], other[name]) for name in one if not name.startswith("neck."))
    assert not torch.equal(one["backbone.conv1.0.weight"], weights(seed=1, **model)["backbone.conv1.0.weight"])


def test_a_backbone_of_timm_has_the_initial_weights_that_timm_draws():
    ours = weights(seed=3, **TINY)
    with library_draws(3, "initial/timm/test_resnet"):
        theirs = timm().create_model("test_resnet", num_classes=0).state_dict()
    assert all(torch.equal(ours[f"backbone.{name}"], value) for name, value in theirs.items())
    assert torch.equal(ours["classifier.weight"], weights(seed=3, bn_grouping="fused", **TINY)["classifier.weight"])


@pytest.mark.parametrize("name", ["resnet18", "timm/test_resnet"])
def test_the_global_generator_neither_matters_nor_moves(name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = weights(backbone=name)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = weights(backbone=name)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_the_classifier_follows_its_law_whatever_the_backbone():
    drawn = weights(classes=1000, **TINY)["classifier.weight"]
    assert drawn.std().item() == pytest.approx(0.001, rel=5 / math.sqrt(2 * drawn.numel()))
    assert abs(drawn.mean().item()) < 5 * 0.001 / math.sqrt(drawn.numel())


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", ("fc.",)),
        ("se_resnet18", ("last_linear.",)),
        ("timm/test_resnet", ("fc.",)),
        ("timm/test_vit", ("head.",)),
        ("timm/test_efficientnet", ("classifier.",)),
        ("timm/shvit_s1", ("head.l.", "head.bn.")),  # what timm calls its classifier is head.l alone
    ],
)
def test_weights_of_a_state_dict_are_loaded_however_it_was_saved(name, head, tmp_path):
    found = whole(name)
    body = {key: value for key, value in found.items() if not key.startswith(head)}
    assert len(body) < len(found)
    wrapped = {f"module.{key}": value for key, value in found.items()}
    forms = [found, body, {"state_dict": found, "epoch": 3}, wrapped, {"state_dict": wrapped}]
    for number, content in enumerate(forms):
        torch.save(content, tmp_path / f"{number}.pth")
        config = configured(backbone=name, last_stride=2, pretrained=str(tmp_path / f"{number}.pth"))
        stages = backbone(config)
        load_pretrained(stages, config)
        assert stages.state_dict().keys() == body.keys()
        assert all(torch.equal(value, body[key]) for key, value in stages.state_dict().items())


@pytest.mark.network
def test_pretrained_weights_leave_the_classifier_as_it_was(tmp_path):
    for name in ("resnet18", "timm/test_resnet"):
        torch.save(whole(name), tmp_path / "whole.pth")
        loaded = weights(backbone=name, pretrained=str(tmp_path / "whole.pth"))
        assert torch.equal(loaded["classifier.weight"], weights(backbone=name)["classifier.weight"])


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["resnet18", "se_resnet18", "timm/test_resnet"])
def test_a_state_dict_that_does_not_fit_is_an_error_that_says_where(name, tmp_path):
    def message(content):
        torch.save(content, tmp_path / "weights.pth")
        with pytest.raises(
            AblateError, match=r"does not fit model\.backbone .*names and shapes of (torchv|t)i.*'s"
        ) as got:
            weights(backbone=name, pretrained=str(tmp_path / "weights.pth"))
        return str(got.value)

    found = whole(name)
    first = next(iter(found))
    assert f"size mismatch for {first}" in message({**found, first: found[first][:-1]})
    assert first in message({key: value for key, value in found.items() if key != first})
    assert "layer9.weight" in message({**found, "layer9.weight": found[first]})


def test_imagenet_weights_are_torchvisions_first_version(tmp_path, monkeypatch):
    saved = resnet("resnet18").state_dict()
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    cache = tmp_path / "checkpoints"
    cache.mkdir()
    url = torchvision().models.ResNet18_Weights.IMAGENET1K_V1.url
    torch.save(saved, cache / url.rsplit("/", 1)[1])
    assert torch.equal(weights(pretrained="imagenet")["backbone.conv1.weight"], saved["conv1.weight"])


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Hugging Face's cache, empty and without a network behind it."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["timm/test_resnet", "timm/test_resnet.r160_in1k"])
def test_imagenet_weights_are_timms(name, hub):
    from safetensors.torch import save_file

    saved = whole("timm/test_resnet")
    repository = hub / "models--timm--test_resnet.r160_in1k"
    (repository / "snapshots" / "1").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1")
    save_file(saved, repository / "snapshots" / "1" / "model.safetensors")
    loaded = weights(backbone=name, pretrained="imagenet")
    assert all(torch.equal(loaded[f"backbone.{key}"], value) for key, value in saved.items() if key[:3] != "fc.")


def test_imagenet_weights_that_timm_cannot_fetch_are_an_error_with_a_remedy(hub):
    with pytest.raises(
        AblateError, match=r"imagenet: the weights of timm's test_resnet could not be downloaded .*; connect"
    ):
        weights(backbone="timm/test_resnet", pretrained="imagenet")


@pytest.mark.slow
def test_weights_that_cannot_be_had_are_an_error_with_a_remedy(tmp_path):
    with pytest.raises(AblateError, match=r"model\.pretrained: there is no file .*; give the path of a state dict"):
        weights(pretrained=str(tmp_path / "none.pth"))
    (tmp_path / "noise.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(AblateError, match=r"noise\.pth cannot be read as a state dict"):
        weights(pretrained=str(tmp_path / "noise.pth"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(AblateError, match="something other than a state dict"):
        weights(pretrained=str(tmp_path / "list.pth"))
    torch.save(resnet("resnet34").state_dict(), tmp_path / "other.pth")
    with pytest.raises(AblateError, match=r"does not fit model\.backbone resnet18; expected .* torchvision's resnet18"):
        weights(pretrained=str(tmp_path / "other.pth"))


def test_a_file_that_was_replaced_since_planning_is_refused(tmp_path):
    torch.save({}, tmp_path / "weights.pt")
    with pytest.raises(AblateError, match="has changed since the trial was planned"):
        from_file(tmp_path / "weights.pt", "0" * 64)
