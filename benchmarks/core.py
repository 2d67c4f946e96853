"""The training core beside a bare loop: images a second, where the time goes, and what each means of speed gives.

    python benchmarks/core.py [cpu|cuda]

Whatever is compared alternates within one process, round by round, so that a slow minute of the machine slows both;
ratios are medians of the rounds' ratios. The profile of a step is kept beside the results.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from machine import RESULTS, keep
from torch.nn.functional import cross_entropy
from torch.optim import Adam
from torch.profiler import ProfilerActivity, profile

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data import load
from ablate.retrieval.input.samplers import sampler
from ablate.retrieval.input.targets import labels
from ablate.retrieval.input.transfer import fetcher
from ablate.retrieval.loss.objective import loss_terms
from ablate.retrieval.model.backbone import keep_resolution, torchvision
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.device import autocast, deterministic, device_name
from ablate.retrieval.training.loop import BatchSource, draw, fit, forward
from ablate.retrieval.training.state import TrainingState
from ablate.retrieval.training.trainer import begin
from ablate.trainers.checkpoints import Checkpoints

Run = Callable[[int], None]
"""Takes so many steps."""

OURS, PLAIN = "ours", "torchvision's network, cross-entropy alone"
ROUNDS = 9
MACS = {"resnet18": 0.249e9, "resnet50": 4.05e9}
"""Multiply-adds of one image's forward pass, at 64×64 and 256×128 with last stride 1; a step costs three of them."""


def main() -> None:
    device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    deterministic(torch.get_num_threads())
    small = config("resnet18", (64, 64), 16, device)
    large = config("resnet50", (256, 128), 64 if on_gpu else 8, device)
    lines = ["# The training core", "", f"On {device_name(device)}, {torch.get_num_threads()} CPU threads.", ""]
    best = peak(device, small.amp)
    lines += [f"Peak: a large matrix product takes {best / 1e12:.2f} Tflop/s in {small.amp}.", ""]
    for case in (small, large):
        lines += section(case, device, 20 if on_gpu else 4 if case is small else 1, best)
    lines += [
        "## Means of speed, ResNet-18 at 64×64",
        "",
        *table(means(small, device), 20 if on_gpu else 4, small, best),
    ]
    keep(f"core-{device.type}", lines)


def config(backbone: str, size: tuple[int, int], quadruplets: int, device: torch.device) -> RetrievalConfig:
    """A step of the log with all its tricks on."""
    return RetrievalConfig.model_validate(
        {
            "data": {"size": list(size)},
            "model": {"backbone": backbone},
            "loss": {"label_smoothing": 0.1},
            "augment": {"random_erasing": {"p": 0.5}},
            "batch": {"quadruplets": quadruplets},
            "schedule": {"warmup_steps": 500},
            "amp": "fp16" if device.type == "cuda" else "bf16",
        }
    )


def section(case: RetrievalConfig, device: torch.device, steps: int, best: float) -> list[str]:
    """Ours, the bare loop, ours in fp32, torchvision's network by itself; then the shares of a step's time."""
    height, width = case.data.size
    training, source = prepared(case, device)
    single = case.model_copy(update={"amp": "none"})
    contenders = {
        f"{OURS}, {case.amp}": ours(training, source, case),
        f"bare loop on one fixed batch, {case.amp}": bare(*prepared(case, device), case),
        f"{OURS}, fp32": ours(*prepared(single, device), single),
        f"{PLAIN}, {case.amp}": plain(case, device),
        f"{PLAIN}, fp32": plain(single, device),
    }
    name = f"{case.model.backbone}-{height}x{width}"
    lines = [f"## {case.model.backbone} at {height}×{width}, {4 * case.batch.quadruplets} images a step", ""]
    lines += table(contenders, steps, case, best)
    lines += [
        "",
        "Time of a step: " + ", ".join(f"{part} {share:.1%}" for part, share in shares(training, source, case)),
    ]
    lines += ["", saving(training)]
    (RESULTS / f"core-{device.type}-{name}-profile.txt").write_text(profiled(ours(training, source, case), device))
    return [*lines, "", f"[Profile of five steps](core-{device.type}-{name}-profile.txt)", ""]


def prepared(case: RetrievalConfig, device: torch.device) -> tuple[TrainingState, BatchSource]:
    dataset = load("emoji", None, case.data.size)
    known = labels(dataset, case.loss)
    source = BatchSource(sampler(dataset, case.batch), fetcher(dataset.images, device), known)
    return begin(case, known, 0, device), source


def ours(training: TrainingState, source: BatchSource, case: RetrievalConfig) -> Run:
    """The loop as trials run it, checkpoints aside."""

    def run(steps: int) -> None:
        schedule = case.schedule.model_copy(update={"steps": training.step + steps})
        until = case.model_copy(update={"schedule": schedule})
        fit(training, source, until, 0, CheckpointSaver(None, 0.0, {}), lambda _: None)

    return run


def bare(training: TrainingState, source: BatchSource, case: RetrievalConfig) -> Run:
    """The same model, loss and optimiser, on one batch that lies on the device."""
    network = training.network.train()
    batch = draw(source, case, 0, 0)

    def run(steps: int) -> None:
        for _ in range(steps):
            with autocast(batch.images.device, case.amp):
                features = network.features(batch.images)
            logits = network.logits(features)
            loss = loss_terms(features, logits, batch.items, batch.classes, case.loss, None).total
            training.stepper.step(loss, 1e-6)

    return run


def plain(case: RetrievalConfig, device: torch.device) -> Run:
    """What the libraries give with nothing of ours: a classifier of 13 classes on one batch, channels-last."""
    network = torchvision().models.get_model(case.model.backbone, num_classes=13)
    keep_resolution(network, case.model.backbone)
    network = network.to(device, memory_format=torch.channels_last)
    images = torch.randn(4 * case.batch.quadruplets, *case.data.size, 3, device=device).permute(0, 3, 1, 2)
    classes = torch.arange(len(images), device=device) % 13
    optimizer = Adam(network.parameters(), lr=1e-6, weight_decay=5e-4, fused=True)
    scaler = torch.amp.GradScaler(device.type, enabled=case.amp == "fp16")

    def run(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with autocast(device, case.amp):
                loss = cross_entropy(network(images), classes)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

    return run


def means(case: RetrievalConfig, device: torch.device) -> Mapping[str, Run]:
    """Ours with one means of speed taken away or added."""
    fused = case.model_copy(update={"model": case.model.model_copy(update={"bn_grouping": "fused"})})
    compiled = case.model_copy(update={"runtime": case.runtime.model_copy(update={"compile": "default"})})
    found = {
        "ours": ours(*prepared(case, device), case),
        "batch norms over the whole batch (another model)": ours(*prepared(fused, device), fused),
        "with runtime.compile: default": ours(*prepared(compiled, device), compiled),
    }
    if device.type == "cuda":
        graphs = case.model_copy(update={"runtime": case.runtime.model_copy(update={"compile": "reduce-overhead"})})
        found["with runtime.compile: reduce-overhead (CUDA graphs)"] = ours(*prepared(graphs, device), graphs)
    return found


def table(contenders: Mapping[str, Run], steps: int, case: RetrievalConfig, best: float) -> list[str]:
    """Images a second of each, the median of the rounds, and the ratios that say something; `best` is the peak."""
    images = 4 * case.batch.quadruplets * steps
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range((ROUNDS if steps > 1 else ROUNDS // 2 + 1) + 1):
        for name, run in contenders.items():
            taken = timed(run, steps)
            if number:  # the first round warms up
                seconds[name].append(taken)
    lines = ["| | images / s | Tflop / s | share of the peak |", "| :-- | --: | --: | --: |"]
    for name, taken in seconds.items():
        rate = images / statistics.median(taken)
        flops = rate * 6 * MACS[case.model.backbone]
        lines.append(f"| {name} | {rate:,.0f} | {flops / 1e12:.2f} | {flops / best:.0%} |")
    first, *others = seconds
    pairs = [(first, other) for other in others if other != f"{PLAIN}, fp32"]
    pairs += [(one, other) for one in others for other in others if one.startswith(PLAIN) and other == f"{PLAIN}, fp32"]
    lines += ["", "Speed of the one over the other, median (quartiles) of the rounds' ratios:", ""]
    return lines + [f"- {one} / {other}: {ratio(seconds[one], seconds[other])}" for one, other in pairs if one != other]


def ratio(one: Sequence[float], other: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles([b / a for a, b in zip(one, other, strict=True)], n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def timed(run: Run, steps: int) -> float:
    synchronize()
    started = time.perf_counter()
    run(steps)
    synchronize()
    return time.perf_counter() - started


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def shares(
    training: TrainingState, source: BatchSource, case: RetrievalConfig, steps: int = 8
) -> Sequence[tuple[str, float]]:
    """Shares of data, forward, backward and optimiser; the device is waited for after each, so they add up."""
    spent = dict.fromkeys(("data", "forward", "backward", "optimiser"), 0.0)
    training.network.train()
    inner = training.stepper.optimizer

    def marked(name: str, since: float) -> float:
        synchronize()
        spent[name] += (now := time.perf_counter()) - since
        return now

    for step in range(steps):
        now = time.perf_counter()
        batch = draw(source, case, 0, step)
        now = marked("data", now)
        terms = forward(training.network, batch, case)
        now = marked("forward", now)
        hook = inner.register_step_pre_hook(lambda *_, since=now: marked("backward", since) and None)
        training.stepper.step(terms.total, 1e-6)
        hook.remove()
        marked("optimiser", now)
    spent["optimiser"] -= spent["backward"]
    total = sum(spent.values())
    return [(name, seconds / total) for name, seconds in spent.items()]


def saving(training: TrainingState) -> str:
    """What a checkpoint costs, on the disk of the temporary folder."""
    packed = training.packed({}, final=False)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), "benchmark")
        taken = [timed(lambda step: checkpoints.save(step, training.packed({}, final=False)), n) for n in range(1, 6)]
    size = len(packed) / 2**20
    return f"A checkpoint: {size:.0f} MiB, packed, written and synced in {statistics.median(taken):.2f} s"


def profiled(run: Run, device: torch.device) -> str:
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])
    with profile(activities=activities) as found:
        run(5)
    order = "self_cuda_time_total" if device.type == "cuda" else "self_cpu_time_total"
    return found.key_averages().table(sort_by=order, row_limit=20, max_name_column_width=44)


def peak(device: torch.device, amp: str) -> float:
    """Floating-point operations a second of the best of ten large products."""
    size = 8192 if device.type == "cuda" else 2048
    dtype = torch.float16 if amp == "fp16" else torch.bfloat16
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    one @ other
    return 2 * size**3 / min(timed(lambda _: torch.mm(one, other), 1) for _ in range(10))


if __name__ == "__main__":
    main()
