"""The section `augment`: random changes of training images."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ablate.trainers.config import Count, ListOf, OffAsNone, Positive, Rate, Section


class RandomErasing(Section):
    """A rectangle of the image replaced by a constant."""

    p: Rate = Field(0.5, description="Probability that an image is erased.")
    area: Annotated[tuple[Rate, Rate], ListOf] = Field((0.02, 0.4), description="Range of the erased share.")
    aspect: Annotated[tuple[Positive, Positive], ListOf] = Field((0.3, 1 / 0.3), description="Range of height / width.")
    aspect_law: Literal["linear", "log"] = Field(
        "linear", description="Law of height / width: uniform, as in the log, or log-uniform, as in torchvision."
    )
    fill: Literal["raw_mean", "zero"] = Field(
        "raw_mean",
        description="Value of the rectangle after normalisation: ImageNet's raw mean, as in the log, or 0, the mean "
        "colour.",
    )

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for name in ("area", "aspect"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: the range {low} to {high} is upside down")
        return self


class Augment(Section):
    """Random changes of training images, after resizing."""

    flip: Rate = Field(0.5, description="Probability of a horizontal flip.")
    pad: Count = Field(10, description="Zero padding on every side, in pixels, before a random crop to size.")
    random_erasing: Annotated[RandomErasing | None, OffAsNone] = Field(
        None, description="Random erasing, after normalisation; null: off."
    )
