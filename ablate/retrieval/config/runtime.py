"""The section `runtime`: the keys of every trainer, and one for networks."""

from typing import Annotated, Literal

from pydantic import Field

from ablate.trainers.config import OutsideIdentity, Runtime


class RetrievalRuntime(Runtime):
    """How a trial is run, with a key for networks."""

    compile: Annotated[Literal["none", "default", "reduce-overhead"], OutsideIdentity] = Field(
        "none",
        description="Mode of torch.compile for the backbone; reduce-overhead uses CUDA graphs. Results may differ in "
        "the last bits from those without.",
    )
