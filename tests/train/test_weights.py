import math

import pytest
import torch

from ablate.errors import AblateError
from ablate.train.backbone import resnet
from ablate.train.config.retrieval import Model
from ablate.train.model import network
from ablate.train.vision import torchvision

CPU = torch.device("cpu")


def weights(seed=0, categories=3, **model):
    return network(Model(**model), categories, seed, CPU).state_dict()


def shared(one, other):
    """Names of the layers in both, of one shape, whose weights are drawn."""
    return [
        name for name, value in one.items() if value.ndim == 4 and name in other and other[name].shape == value.shape
    ]


def test_a_seed_gives_its_weights_and_another_seed_others():
    first, again, other = weights(), weights(), weights(seed=1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in shared(first, other))


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


def test_weights_of_a_state_dict_are_loaded_with_or_without_its_head(tmp_path):
    whole = resnet("resnet18").state_dict()
    for name, content in {"whole.pth": whole, "bare.pth": {k: v for k, v in whole.items() if k[:3] != "fc."}}.items():
        torch.save(content, tmp_path / name)
        loaded = weights(pretrained=str(tmp_path / name))
        assert all(torch.equal(loaded[f"backbone.{key}"], whole[key]) for key in whole if key[:3] != "fc.")
        assert torch.equal(loaded["classifier.weight"], weights()["classifier.weight"])


def test_imagenet_weights_are_torchvisions_first_version(tmp_path, monkeypatch):
    whole = resnet("resnet18").state_dict()
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    cache = tmp_path / "checkpoints"
    cache.mkdir()
    url = torchvision().models.ResNet18_Weights.IMAGENET1K_V1.url
    torch.save(whole, cache / url.rsplit("/", 1)[1])
    assert torch.equal(weights(pretrained="imagenet")["backbone.conv1.weight"], whole["conv1.weight"])


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
