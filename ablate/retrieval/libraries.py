"""The libraries that networks are built and trained with. Plans, data sets and reports need none of them."""

from ablate.extras import OptionalLibraries, extra

LIBRARIES = OptionalLibraries(("torch", "torchvision", "timm"), extra("retrieval"))
