import pytest
import torch
from torch import nn

from ablate.errors import AblateError
from ablate.retrieval.config.model import BACKBONES, Model
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.backbone import backbone, resnet, se_resnet, timm, torchvision
from ablate.retrieval.model.network import Network, width

TINY = ["timm/test_resnet", "timm/test_vit", "timm/test_efficientnet", "timm/test_convnext", "timm/test_byobnet"]
HEAD = {"resnet": "fc", "se_res": "last_linear"}


def config(backbone="resnet18", size=(64, 32), **model):
    """A backbone as its library has it, in all that the model does not say."""
    model = {"last_stride": 2, **model, "backbone": backbone}
    return RetrievalConfig.model_validate({"data": {"size": list(size)}, "model": model})


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def library(name):
    """The network as its library makes it, without its classifier: pooled features."""
    if name.startswith("timm/"):
        model = timm().get_pretrained_cfg(name[5:])
        return timm().create_model(
            name[5:], num_classes=0, **({"img_size": (64, 32)} if model.fixed_input_size else {})
        )
    whole = se_resnet(name) if name.startswith("se_") else resnet(name)
    setattr(whole, HEAD[name[:6]], nn.Identity())
    return whole


def last_map(stages, size):
    shapes = []
    watch = stages.layer4.register_forward_hook(lambda _, given, made: shapes.append(tuple(made.shape)))
    with torch.inference_mode():
        stages.eval()(torch.zeros(1, 3, *size))
    watch.remove()
    return shapes[0]


def test_every_backbone_that_a_config_accepts_is_one_of_a_library():
    known = {*torchvision().models.list_models(), *timm().list_models("legacy_seresnet*")}
    assert all(name.replace("se_", "legacy_se") in known for name in BACKBONES)


def test_an_unknown_backbone_is_told_its_neighbours():
    with pytest.raises(ValueError, match=r"a backbone like resnet50"):
        Model(backbone="resnet5")


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet18", 512),
        ("resnet50", 2048),
        ("se_resnet18", 512),
        ("se_resnet50", 2048),
        ("timm/resnet50d", 2048),
        ("timm/resnetblur50", 2048),
        ("timm/res2net50d", 2048),
        ("timm/test_resnet", 96),
    ],
)
def test_last_stride_one_doubles_the_map_and_keeps_the_weights(name, channels):
    maps, shapes = {}, {}
    for stride in (1, 2):
        setting = config(name, last_stride=stride)
        stages = backbone(setting)
        maps[stride] = last_map(stages, (64, 32))
        shapes[stride] = {key: value.shape for key, value in stages.state_dict().items()}
        assert width(stages, setting) == channels
    assert maps == {1: (1, channels, 4, 2), 2: (1, channels, 2, 1)}
    assert shapes[1] == shapes[2]


@pytest.mark.parametrize("name", ["resnet50d", "resnetblur50", "resnetaa50"])
def test_at_last_stride_one_the_block_is_the_one_that_timm_builds_with_stride_one(name):
    timm()
    from timm.models import resnet as timms

    ours = backbone(config(f"timm/{name}", last_stride=1)).layer4[0].eval()
    shortcut = timms.downsample_avg if name == "resnet50d" else timms.downsample_conv
    theirs = timms.Bottleneck(1024, 512, stride=1, downsample=shortcut(1024, 2048, 1, stride=1)).eval()
    theirs.load_state_dict(ours.state_dict())
    with torch.inference_mode():
        assert torch.equal(ours(noise(1, 1024, 4, 2)), theirs(noise(1, 1024, 4, 2)))


@pytest.mark.parametrize("name", ["resnet18", "se_resnet18", "se_resnet50", *TINY])
def test_features_and_weights_are_the_librarys(name):
    network = Network(config(name), classes=3).eval()
    whole = library(name).eval()
    whole.load_state_dict(network.backbone.state_dict())
    images = noise(2, 3, 64, 32)
    with torch.inference_mode():
        features = network.features(images)
        assert torch.allclose(features, whole(images), rtol=1e-4, atol=1e-4)
    assert features.shape == (2, network.width)
    assert network.classifier.in_features == network.width


def test_the_logs_se_resnet_has_the_published_number_of_parameters():
    """28.09 million, in timm's results-imagenet.csv, with a classifier of 1000 classes and its bias."""
    weights = backbone(config("se_resnet50")).parameters()
    assert round((sum(weight.numel() for weight in weights) + 2048 * 1000 + 1000) / 1e6, 2) == 28.09


def test_no_adaptive_average_pooling_is_left():
    """It has no deterministic gradient on CUDA; timm's EfficientNets have one."""
    kinds = {type(module) for module in library("timm/test_efficientnet").modules()}
    assert nn.AdaptiveAvgPool2d in kinds
    assert nn.AdaptiveAvgPool2d not in {type(module) for module in backbone(config("timm/test_efficientnet")).modules()}


@pytest.mark.parametrize(
    ("name", "stem"),
    [("resnet18", "relu"), ("se_resnet18", "layer0.relu1"), ("timm/resnet18", "act1"), ("timm/resnet26d", "act1")],
)
def test_the_stems_relu_can_be_left_out_and_no_other(name, stem):
    with_it, without = (backbone(config(name, stem_relu=setting)) for setting in (True, False))
    relus = {key for key, module in with_it.named_modules() if isinstance(module, nn.ReLU)}
    assert relus - {key for key, module in without.named_modules() if isinstance(module, nn.ReLU)} == {stem}


@pytest.mark.parametrize("name", ["timm/test_resnet", "timm/test_efficientnet"])
def test_fused_is_the_librarys_pass_over_the_whole_batch(name):
    network = Network(config(name, bn_grouping="fused"), classes=3)
    whole = library(name)
    whole.load_state_dict(network.backbone.state_dict())
    images = noise(8, 3, 64, 32)
    assert torch.allclose(network.features(images), whole(images), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(network.backbone.buffers(), whole.buffers(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert type(network.neck) is nn.BatchNorm1d


def test_the_necks_bias_stays_at_zero_and_the_classifier_has_none():
    network = Network(config(), classes=3)
    assert not network.neck.bias.requires_grad
    assert not network.neck.bias.any()
    assert network.classifier.bias is None
    assert network.classifier.out_features == 3


def test_without_a_neck_the_classifier_sees_the_features():
    network = Network(config("timm/test_resnet", neck="none"), classes=3)
    features = noise(8, network.width)
    assert torch.equal(network.logits(features), features @ network.classifier.weight.T)
    assert not [name for name in network.state_dict() if name.startswith("neck")]


def fault(**model):
    with pytest.raises(AblateError) as raised:
        Network(config(**model), classes=3)
    return str(raised.value)


def test_what_a_backbone_cannot_be_is_an_error_with_a_remedy():
    assert fault(backbone="timm/test_convnext", last_stride=1) == (
        "model.last_stride: timm/test_convnext has no layer4 whose stride could be set; set model.last_stride to 2"
    )
    assert "model.stem_relu: timm/test_convnext has no stem like a ResNet's" in fault(
        backbone="timm/test_convnext", stem_relu=False
    )
    assert "unknown tag 'a1_in2k'; did you mean 'a1_in1k'? known: " in fault(backbone="timm/resnet50d.a1_in2k")


@pytest.mark.parametrize(
    ("name", "size"), [("timm/test_vit", (60, 60)), ("timm/test_vit", (8, 8)), ("timm/densenet121", (8, 8))]
)
def test_a_size_that_a_backbone_does_not_take_is_an_error_before_training(name, size):
    message = fault(backbone=name, size=size)
    assert message.startswith(f"model.backbone: {name} does not take images of data.size {list(size)} (")
    assert "set data.size to a size that it takes" in message


def test_a_stride_that_is_no_attribute_is_found_out():
    class EveryOther(nn.Module):
        def forward(self, maps):
            return maps[..., ::2, ::2]

    stages = nn.Sequential()
    stages.layer4 = EveryOther()
    stages.flat = nn.Flatten()
    with pytest.raises(AblateError, match=r"layer4 of resnet18 still turns \(8, 4\) into \(4, 2\).*last_stride to 2"):
        width(stages, config(size=(8, 4), last_stride=1))
    assert width(stages, config(size=(8, 4))) == 3 * 4 * 2
