"""The whole config of the trainer `retrieval`: a section a file, and the values that do not go together."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ablate.retrieval.config.augment import Augment
from ablate.retrieval.config.batch import Batch
from ablate.retrieval.config.data import Data
from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.config.loss import Loss
from ablate.retrieval.config.model import NO_FILE, Model
from ablate.retrieval.config.runtime import RetrievalRuntime
from ablate.retrieval.config.schedule import Schedule
from ablate.trainers.config import ConfigClash, TrainerConfig


class RetrievalConfig(TrainerConfig):
    """Trainer `retrieval`: a network trained for image retrieval across two domains."""

    data: Data = Data()
    model: Model = Model()
    loss: Loss = Loss()
    augment: Augment = Augment()
    batch: Batch = Batch()
    schedule: Schedule = Schedule()
    amp: Literal["none", "bf16", "fp16"] = Field("bf16", description="Mixed precision; fp16 needs CUDA.")
    runtime: RetrievalRuntime = RetrievalRuntime()
    evaluate: Evaluate = Evaluate()

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        """Raise all clashes as one error of type `clash`, so that each can be reported at the place of its keys."""
        clashes = list(self._clashes())
        if clashes:
            text = "; ".join(clash.message for clash in clashes)
            raise PydanticCustomError("clash", "{text}", {"text": text, "clashes": clashes})
        return self

    def _clashes(self) -> Iterator[ConfigClash]:
        """Yield the values that do not go together."""
        if self.batch.sampling == "pk" and self.model.bn_grouping == "per_role":
            yield ConfigClash(
                ("batch.sampling", "model.bn_grouping"),
                "pk sampling has no roles; set model.bn_grouping: fused, or batch.sampling: quadruplets",
            )
        if self.loss.metric == "triplet":
            if self.batch.sampling == "pk" and self.loss.mining == "given":
                yield ConfigClash(
                    ("batch.sampling", "loss.mining", "loss.metric"),
                    "pk sampling gives no triplets; set loss.mining: batch-hard, or batch.sampling: quadruplets",
                )
            if self.loss.metric_options:
                yield ConfigClash(
                    ("loss.metric_options", "loss.metric"),
                    "the triplet term has no options; its keys are loss.margin, loss.distance and loss.mining",
                )
        elif self.loss.mining != "given":
            yield ConfigClash(
                ("loss.mining", "loss.metric"),
                f"mining is the triplet term's; {self.loss.metric} takes all pairs; set loss.mining: given",
            )
        if self.loss.metric == "pml/SmoothAPLoss" and self.batch.sampling == "quadruplets":
            yield ConfigClash(
                ("loss.metric", "batch.sampling"),
                "it wants as many images of each item, and quadruplets may repeat one; set batch.sampling: pk",
            )
        if self.amp == "fp16" and self.runtime.device == "cpu":
            yield ConfigClash(("amp", "runtime.device"), "fp16 needs a CUDA device; set amp to bf16 or none")
        if self.model.pretrained_sha256 and self.model.pretrained in NO_FILE:
            yield ConfigClash(
                ("model.pretrained_sha256", "model.pretrained"),
                "there is no file to have that hash; set model.pretrained to its path, or leave the hash out",
            )
        if self.evaluate.detections_sha256 and self.evaluate.detections is None:
            yield ConfigClash(
                ("evaluate.detections_sha256", "evaluate.detections"),
                "there is no file to have that hash; set evaluate.detections to its path, or leave the hash out",
            )
        if self.model.neck == "none" and self.evaluate.neck == "after":
            yield ConfigClash(
                ("evaluate.neck", "model.neck"), "there is no neck to be after; set evaluate.neck: before"
            )
