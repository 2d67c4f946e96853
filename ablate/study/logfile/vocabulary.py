"""The factors that the words of a log stand for: one fixed table, for reading a log and for writing one."""

import re

KEYS = {"training feature normalization": "normalization"}
"""{key of a line: factor}, for keys that are not the factor's own name."""

PARTS = {"random erasing": "random_erasing", "warmup training": "warmup", "label smooth": "label_smoothing"}
"""{part of a title: factor}. The part means that the component is on."""

BACKBONE = "backbone"
"""Key of the setting, and factor, that the network's name stands for if it leads a title."""

BACKBONES = re.compile(
    r"[\w.-]*(resnet|resnext|senet|densenet|vgg|inception|efficientnet|mobilenet|vit|swin|convnext|regnet|osnet"
    r"|hrnet|deit|beit|googlenet|alexnet|shufflenet|mnasnet|res2net|nfnet|xception)[\w.-]*",
    re.IGNORECASE,
)


def factor_of(words: str) -> str:
    """Return the factor of a line's key or of a title's part; unknown words become small letters with underscores."""
    names = {**PARTS, **KEYS}
    factor = names.get(words.lower()) or names.get(without_remark(words).lower())
    return factor or re.sub(r"\W+", "_", words.lower()).strip("_") or "unnamed"


def without_remark(words: str) -> str:
    """Return `warmup training (resnet18)` as `warmup training`."""
    return re.sub(r"\s*\([^()]*\)$", "", words)


def words_of(factor: str) -> str:
    """Return the log's words for a factor."""
    return {name: words for words, name in {**PARTS, **KEYS}.items()}.get(factor, factor.replace("_", " "))


def title_parts(title: str) -> list[str]:
    """Return the parts of a title like `baseline 2 + random erasing`."""
    return [part.strip() for part in title.split(" + ") if part.strip()]
