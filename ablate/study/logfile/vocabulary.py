"""How the log's words map to factors: one fixed table, for reading a log and for writing one."""

import re

KEYS = {"training feature normalization": "normalization"}
"""Line keys that are not a factor's own name."""

PARTS = {"random erasing": "random_erasing", "warmup training": "warmup", "label smooth": "label_smoothing"}
"""Parts of a title that say a component is on."""

BACKBONES = re.compile(
    r"[\w.-]*(resnet|resnext|senet|densenet|vgg|inception|efficientnet|mobilenet|vit|swin|convnext|regnet|osnet"
    r"|hrnet|deit|beit|googlenet|alexnet|shufflenet|mnasnet|res2net|nfnet|xception)[\w.-]*",
    re.IGNORECASE,
)


def factor_of(words: str) -> str:
    """The factor that a line's key or a title's part speaks of; unknown words become their slug."""
    names = {**PARTS, **KEYS}
    known = names.get(words.lower()) or names.get(without_remark(words).lower())
    return known or re.sub(r"\W+", "_", words.lower()).strip("_") or "unnamed"


def without_remark(words: str) -> str:
    """`warmup training (resnet18)` as `warmup training`."""
    return re.sub(r"\s*\([^()]*\)$", "", words)


def words_of(factor: str) -> str:
    """What the log calls a factor."""
    return {name: words for words, name in {**PARTS, **KEYS}.items()}.get(factor, factor.replace("_", " "))


def title_parts(title: str) -> list[str]:
    """`baseline 2 + random erasing` as its parts."""
    return [part.strip() for part in title.split(" + ") if part.strip()]
