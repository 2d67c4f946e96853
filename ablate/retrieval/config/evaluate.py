"""The section `evaluate`: how a trained network is tested."""

from typing import Annotated, Literal

from pydantic import Field

from ablate.trainers.config import AtLeastOne, LocalPath, NotNegative, OffAsNone, Rate, Section


class Whitening(Section):
    """PCA whitening, fitted on the embeddings of training images, evenly spaced, 4096 at most."""

    dimensions: AtLeastOne = Field(128, description="Leading components that are kept.")


class QueryExpansion(Section):
    """Average query expansion: a second search with the mean of a query and its nearest gallery entries."""

    k: AtLeastOne = Field(10, description="Nearest gallery entries that are averaged with the query.")
    alpha: NotNegative = Field(
        3.0, description="Weights are this power of the similarity; 0: all weigh as much as the query."
    )


class Rerank(Section):
    """k-reciprocal re-ranking: images that share their neighbours are near."""

    k1: AtLeastOne = Field(20, description="Number of neighbours among which k-reciprocal ones are searched.")
    k2: AtLeastOne = Field(
        6, description="Neighbours, itself the first of them, over which encodings are averaged; 1: none are."
    )
    weight: Rate = Field(0.3, description="Weight of the original distance, lambda; the Jaccard distance has the rest.")


class Evaluate(Section):
    """How a trained network is tested. Trials that differ only here share one training."""

    neck: Literal["before", "after"] = Field("before", description="Embedding: before or after the neck.")
    flip: bool = Field(False, description="On: an image's features are averaged with those of its mirror image.")
    whitening: Annotated[Whitening | None, OffAsNone] = Field(
        None, description="PCA whitening of the embeddings; null: off."
    )
    query_expansion: Annotated[QueryExpansion | None, OffAsNone] = Field(
        None, description="Average query expansion; null: off."
    )
    rerank: Annotated[Rerank | None, OffAsNone] = Field(None, description="k-reciprocal re-ranking; null: off.")
    scope: Literal["category", "all"] = Field(
        "category", description="Gallery searched: items of the query's category, or all."
    )
    cameras: Literal["other", "all"] = Field(
        "other",
        description="Which gallery images of the query's item count: those of other cameras, while those of its own "
        "camera are left out of its ranking; or all. No difference if a set has no cameras.",
    )
    detections: Annotated[Annotated[str, Field(min_length=1)] | None, LocalPath()] = Field(
        None,
        description="Path of a JSON file of detected boxes, on which the test split is tested instead of the annotated "
        "ones, relative to the study file or else to the working directory; null: on the annotated ones.",
    )
    detections_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 that this file must have; filled in when a trial is planned."
    )
