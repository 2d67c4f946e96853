"""The section `batch`: the images of one training step."""

from typing import Literal

from pydantic import Field

from ablate.trainers.config import AtLeastTwo, Count, Section


class Batch(Section):
    """The images of one training step."""

    sampling: Literal["quadruplets", "pk"] = Field(
        "quadruplets", description="How a step's images are drawn: quadruplets, or P items with K images each."
    )
    quadruplets: AtLeastTwo = Field(  # a batch norm cannot take the variance of one
        64, description="Quadruplets a step: shop and user image of one item, and of another of its category."
    )
    drawn_once: Count = Field(
        0,
        description="Quadruplets that are drawn once and then used in round after round, each in another order, as in "
        "the log; 0: new ones at every step.",
    )
    items: AtLeastTwo = Field(64, description="Different items a step, with pk sampling: its P.")
    images: AtLeastTwo = Field(4, description="Images of each item, with pk sampling: its K.")
