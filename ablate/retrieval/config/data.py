"""The section `data`: which images a network is trained and tested on."""

from typing import Annotated

from pydantic import Field

from ablate.trainers.config import AtLeastOne, ListOf, LocalPath, OutsideIdentity, Section


class Data(Section):
    """The images for training and testing."""

    name: str = Field("emoji", description="Name of the data set; `ablate data list` shows the known ones.")
    root: Annotated[Annotated[str, Field(min_length=1)] | None, OutsideIdentity, LocalPath()] = Field(
        None,
        description="Folder or file of the data set, relative to the study file or else to the working directory; "
        "null: the usual folder of the data set.",
    )
    size: Annotated[tuple[AtLeastOne, AtLeastOne], ListOf] = Field(
        (64, 64), description="Height and width, in pixels, to which every image is resized (aspect not kept)."
    )
