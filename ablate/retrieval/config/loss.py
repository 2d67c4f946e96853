"""The section `loss`: the metric term and the classification term."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ablate.retrieval.config.available import pml_losses
from ablate.trainers.config import Count, Finite, NotNegative, Rate, Section

PML = "pml/"
"""Prefix of a loss of pytorch-metric-learning."""


def _known_metric(name: str) -> str:
    if name == "triplet" or (name.removeprefix(PML) in pml_losses() and name.startswith(PML)):
        return name
    if not pml_losses():
        raise ValueError("triplet; pml/NAME as well once `pip install 'ablate-study[pml]'` has brought its losses")
    near = get_close_matches(name.removeprefix(PML), pml_losses()) or ["CircleLoss", "MultiSimilarityLoss"]
    raise ValueError(f"triplet, or a loss of pytorch-metric-learning like {', '.join(PML + each for each in near)}")


class Loss(Section):
    """The loss: omega · metric term + (1 − omega) · classification term."""

    metric: Annotated[str, AfterValidator(_known_metric)] = Field(
        "triplet", description="The metric term: triplet, or pml/NAME, a loss of pytorch-metric-learning over items."
    )
    metric_options: Annotated[dict[str, Any], Finite] = Field({}, description="Arguments of a pml/NAME loss, by name.")
    omega: Rate = Field(0.9, description="Weight of the metric term; the classification term has the rest.")
    margin: NotNegative = Field(0.3, description="Margin of the triplet term, in units of its distance.")
    normalize_features: bool = Field(
        False, description="On: in training, features are L2-normalised before the metric term."
    )
    distance: Literal["squared", "euclidean"] = Field(
        "squared", description="Distance of the triplet term: squared Euclidean, or its root."
    )
    mining: Literal["given", "batch-hard"] = Field(
        "given",
        description="Triplets: those that the quadruplets give; or, for every image, its farthest of the same item and "
        "its nearest of another in the batch.",
    )
    target: Literal["category", "item"] = Field("category", description="Classes of the classification term.")
    unused_classes: Count = Field(
        0, description="Classes of the classifier that no image has; the log's had one, number 0 of its categories."
    )
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of the target spread evenly over all classes, as in torch."
    )
