"""All that a training imports as soon as it needs it, imported at once: for processes that are forked afterwards."""

import torch._inductor as inductor

from ablate.retrieval.model import backbone

LIBRARIES = (inductor, backbone.timm())
