import os

import pytest
import torch

from ablate.errors import AblateError
from ablate.retrieval.training.device import deterministic, environment, pick, sharing


def test_auto_takes_what_there_is():
    assert pick("auto", "bf16").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick("cpu", "bf16") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "meta", ""])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(AblateError, match=r"runtime\.device: .*known: auto, cpu, cuda, cuda:N"):
        pick(name, "none")


def test_a_cuda_device_that_is_not_there_is_refused():
    with pytest.raises(AblateError, match=r"runtime\.device: 'cuda:99' is not there: .* use auto or cpu"):
        pick("cuda:99", "none")


def test_fp16_on_the_cpu_is_refused():
    with pytest.raises(AblateError, match=r"amp: fp16 needs a CUDA device.*use bf16 or none"):
        pick("cpu", "fp16")


def test_the_environment_is_told_in_strings():
    told = environment(torch.device("cpu"))
    assert told["torch"] == torch.__version__
    assert told["device"].startswith("cpu: ")
    assert told["bf16_hardware"] in ("yes", "no")
    assert all(isinstance(value, str) for value in told.values())


def test_deterministic_sets_what_torch_offers():
    deterministic(1)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 1
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cuda.matmul.allow_tf32
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_trials_that_share_a_gpu_are_on_record():
    assert sharing(torch.device("cuda"), 2) == {"trials_per_gpu": "2"}
    assert sharing(torch.device("cuda"), 1) == {}
    assert sharing(torch.device("cpu"), 2) == {}, "it has no GPU to share"
