"""Recipes from which a study's config may start, by `preset: NAME`. Values in the file replace those of the preset.

A preset sets the training and the size of images. It never sets the data set or where a trial runs.
"""

from typing import Any

SEED: dict[str, Any] = {
    "data": {"size": [256, 128]},
    "model": {
        "backbone": "resnet50",
        "last_stride": 1,
        "stem_relu": False,
        "pretrained": "imagenet",
        "neck": "bn",
        "bn_grouping": "per_role",
    },
    "loss": {
        "metric": "triplet",
        "omega": 0.9,
        "margin": 0.3,
        "normalize_features": False,
        "distance": "squared",
        "mining": "given",
        "target": "category",
        "unused_classes": 1,
        "label_smoothing": 0.0,
    },
    "augment": {"flip": 0.5, "pad": 10, "random_erasing": None},
    "batch": {"sampling": "quadruplets", "quadruplets": 64, "drawn_once": 200_000},
    "schedule": {
        "steps": 25000,
        "optimizer": "adam",
        "lr": 1e-4,
        "weight_decay": 5e-4,
        "decay": "milestones",
        "milestones": [12000, 20000],
        "gamma": 0.1,
        "warmup_steps": 0,
        "warmup_shape": "linear",
        "warmup_start": 0.01,
    },
    "amp": "fp16",
    "evaluate": {"neck": "before", "scope": "category"},
}
"""The log's baseline 2 with its quirks: no ReLU in the ResNet-50's stem, batch norms by role, quadruplets drawn once,
a class that no image has.
"""

CLEAN: dict[str, Any] = {
    **SEED,
    "model": {**SEED["model"], "stem_relu": True, "bn_grouping": "fused"},
    "loss": {**SEED["loss"], "unused_classes": 0},
    "batch": {**SEED["batch"], "drawn_once": 0},
    "amp": "bf16",
}
"""The log's baseline 2 without these quirks; in bf16, which needs no loss scaling and runs on CPUs too."""

PRESETS = {"seed": SEED, "clean": CLEAN}
