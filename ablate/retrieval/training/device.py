"""The device of a trial: its selection, its precision, deterministic settings, and the record of it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from ablate.errors import AblateError

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


def pick(name: str, amp: str) -> torch.device:
    """Return the device that `runtime.device` selects on this machine.

    Raises AblateError if it does not exist or does not support `amp`.
    """
    cuda = torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if cuda else "cpu") if name == "auto" else name)
    except RuntimeError:
        raise AblateError(f"runtime.device: {name!r} is no device; known: auto, cpu, cuda, cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise AblateError(f"runtime.device: {name!r} is not supported; known: auto, cpu, cuda, cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise AblateError(
            f"runtime.device: {name!r} is not there: torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} CUDA devices; use auto or cpu, or install torch built for CUDA"
        )
    if device.type == "cpu" and amp == "fp16":
        raise AblateError("amp: fp16 needs a CUDA device, and this trial runs on the CPU; use bf16 or none")
    return device


def deterministic(threads: int) -> None:
    """Make the torch of this process deterministic, with a fixed number of CPU threads.

    Call it before the first tensor is on a CUDA device: cuBLAS reads its workspace setting when CUDA starts.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Filling every new tensor would only matter for code that reads memory before it writes it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def autocast(device: torch.device, amp: str) -> torch.autocast:
    """Return the context of mixed precision in the dtype that `amp` names, or of none."""
    return torch.autocast(device.type, dtype=HALF.get(amp), enabled=amp in HALF)


def environment(device: torch.device) -> dict[str, str]:
    """Return the circumstances that a result may depend on besides its config: recorded, outside its identity."""
    return {
        "device": device_name(device),
        "torch": str(torch.__version__),  # the version is of a class of torch that no checkpoint can hold
        "numpy": np.__version__,
        **{library: installed(library) for library in ("torchvision", "timm", "pytorch-metric-learning", "pillow")},
        "python": platform.python_version(),
        "threads": str(torch.get_num_threads()),
        "bf16_hardware": bf16_hardware(device),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
    }


def sharing(device: torch.device, trials: int) -> dict[str, str]:
    """Return the number of trials that share a GPU, for the record: it changes timings and, on some GPUs, last bits."""
    return {"trials_per_gpu": str(trials)} if device.type == "cuda" and trials > 1 else {}


def installed(library: str) -> str:
    """Return the version of a library, or `none` if it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def device_name(device: torch.device) -> str:
    """Return the device in words, such as `cpu: AMD EPYC 9R14` or `cuda: NVIDIA H100`."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    try:
        with Path("/proc/cpuinfo").open() as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return f"cpu: {names[0] if names else platform.machine()}"


def bf16_hardware(device: torch.device) -> str:
    """Return `yes` if the device has bf16 instructions, or `no`: emulated bf16 is slow, and rounded differently."""
    if device.type == "cpu":
        return "yes" if torch.cpu._is_avx512_bf16_supported() else "no"
    return "yes" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
