"""Running out of memory: told apart from other faults, and answered with what fits."""

import multiprocessing
import re
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.training.out_of_memory import ran_out
from ablate.retrieval.training.trainer import train_on

GIB = 2**30


def in_little_memory(dataset: Dataset, config: RetrievalConfig, more: int) -> str:
    """What a training says in a process that may map `more` bytes beyond what it has at the start."""
    train_on(
        dataset, [config.model_copy(update={"schedule": config.schedule.model_copy(update={"steps": 0})})], 0, print
    )
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more,) * 2)
    try:
        train_on(dataset, [config], 0, print)
    except AblateError as fault:
        return str(fault)
    return "it fitted"


@pytest.mark.network
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_out_of_memory_says_what_would_fit(
    make_dataset: Callable[..., Dataset], configure: Callable[..., RetrievalConfig]
) -> None:
    dataset = make_dataset(items=100, size=128)
    config = configure(
        model={"backbone": "timm/test_resnet"}, batch={"quadruplets": 60}, data={"size": [128, 128]}, amp="none"
    )
    said = elsewhere(dataset, config)
    assert "out of memory at step 1: 240 images of 128×128 (batch.quadruplets 60)" in said
    advice = re.search(r"batch\.quadruplets (\d+) would fit", said)
    assert advice
    smaller = config.model_copy(update={"batch": config.batch.model_copy(update={"quadruplets": int(advice[1])})})
    assert elsewhere(dataset, smaller) == "it fitted"


def elsewhere(dataset: Dataset, config: RetrievalConfig) -> str:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(in_little_memory, dataset, config, GIB).result()


@pytest.mark.parametrize(
    ("fault", "memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("the loss of step 3 is nan"), False),
        (ValueError("can only"), False),
    ],
)
def test_other_faults_are_told_apart(fault: Exception, memory: bool) -> None:
    assert ran_out(fault) is memory


def test_torch_raises_what_is_looked_for() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert ran_out(caught.value)
