import pytest
import torch
from torch import nn

from ablate.train.backbone import backbone, resnet, se_resnet, width
from ablate.train.config.retrieval import BACKBONES, Model
from ablate.train.model import Network
from ablate.train.norm import RoleNorm1d, RoleNorm2d
from ablate.train.vision import torchvision
from ablate.train.weights import initialise


def test_every_backbone_that_a_config_accepts_is_one_of_a_library():
    models = torchvision().models.list_models()
    import timm  # imports torchvision, so after it is made importable

    known = {*models, *timm.list_models("legacy_seresnet*")}
    assert all(name.replace("se_", "legacy_se") in known for name in BACKBONES)


def test_an_unknown_backbone_is_told_its_neighbours():
    with pytest.raises(ValueError, match=r"a backbone like resnet50"):
        Model(backbone="resnet5")


@pytest.mark.parametrize(
    ("name", "channels"), [("resnet18", 512), ("resnet50", 2048), ("se_resnet18", 512), ("se_resnet50", 2048)]
)
def test_last_stride_one_doubles_the_map_and_keeps_the_weights(name, channels):
    maps = {}
    shapes = {}
    for stride in (1, 2):
        stages = backbone(Model(backbone=name, last_stride=stride)).eval()
        with torch.inference_mode():
            maps[stride] = tuple(stages(torch.zeros(1, 3, 64, 32)).shape)
        shapes[stride] = {key: value.shape for key, value in stages.state_dict().items()}
        assert width(stages) == channels
    assert maps == {1: (1, channels, 4, 2), 2: (1, channels, 2, 1)}
    assert shapes[1] == shapes[2]


@pytest.mark.parametrize(
    ("name", "library", "head"),
    [("resnet18", resnet, "fc"), ("se_resnet18", se_resnet, "last_linear"), ("se_resnet50", se_resnet, "last_linear")],
)
def test_the_backbone_is_the_librarys_network_without_its_head(name, library, head):
    whole = library(name)
    del whole._modules[head]
    stages = backbone(Model(backbone=name, last_stride=2))
    assert {key: value.shape for key, value in whole.state_dict().items()} == {
        key: value.shape for key, value in stages.state_dict().items()
    }


@pytest.mark.parametrize("name", ["resnet18", "se_resnet18"])
def test_features_are_the_librarys_pooled_features(name):
    stages = backbone(Model(backbone=name, last_stride=2)).eval()
    whole = (se_resnet if name.startswith("se_") else resnet)(name).eval()
    whole.load_state_dict(stages.state_dict(), strict=False)
    head = "last_linear" if name.startswith("se_") else "fc"
    setattr(whole, head, nn.Identity())
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(stages(images).mean((2, 3)), whole(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "stem"), [("resnet18", "relu"), ("se_resnet18", "layer0.relu1")])
def test_the_stems_relu_can_be_left_out_and_no_other(name, stem):
    with_it, without = (backbone(Model(backbone=name, stem_relu=setting)) for setting in (True, False))
    relus = {key for key, module in with_it.named_modules() if isinstance(module, nn.ReLU)}
    assert relus - {key for key, module in without.named_modules() if isinstance(module, nn.ReLU)} == {stem}


def test_one_pass_is_four_passes_one_a_role():
    """Outputs, gradients and running statistics, against plain batch norms and a loop over roles."""
    ours = Network(Model(), categories=3)
    initialise(ours, seed=0)
    plain = Network(Model(), categories=3)
    for parent in list(plain.modules()):
        for name, child in parent.named_children():
            if isinstance(child, RoleNorm1d):
                setattr(parent, name, nn.BatchNorm1d(child.num_features))
            if isinstance(child, RoleNorm2d):
                setattr(parent, name, nn.BatchNorm2d(child.num_features))
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    once = ours.logits(ours.features(images))
    looped = torch.cat([plain.logits(plain.features(role)) for role in images.chunk(4)])
    assert torch.allclose(once, looped, rtol=1e-3, atol=1e-5)
    once.square().sum().backward()
    looped.square().sum().backward()
    for (name, one), (_, other) in zip(ours.named_parameters(), plain.named_parameters(), strict=True):
        if one.requires_grad:
            assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-3 * float(other.grad.abs().max())), name
    for (name, one), (_, other) in zip(ours.named_buffers(), plain.named_buffers(), strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-5), name


def test_the_necks_bias_stays_at_zero_and_the_classifier_has_none():
    network = Network(Model(), categories=3)
    assert not network.neck.bias.requires_grad
    assert network.classifier.bias is None
    assert network.classifier.out_features == 3
