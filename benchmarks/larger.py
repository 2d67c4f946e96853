"""Training on a set larger than memory, beside the same training on one that fits: steps a second, and what was read.

    taskset -c 0 python benchmarks/larger.py [--folder DIR] [--gigabytes 10] [--cache 1.5] [--rounds 11]

Images of 256×128 are written to one file in DIR, and this process joins a control group that has the memory it needs
and `--cache` GiB more, for what the kernel keeps of files. So most of what is asked for comes from the disk, as the
kernel's count of bytes read shows. Contenders alternate; ratios are medians of the rounds' ratios. The last part slows
the disk down to twice what the light training takes. On one core, the reading has to share it with the training, as
where a machine has a worker for each of its cores. Needs control groups of version 1, and root.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from core import Run, ratio, timed
from machine import keep
from numpy.typing import NDArray

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import NO_CAMERA, Dataset, roles
from ablate.retrieval.evaluation.pipeline import features
from ablate.retrieval.input.prefetch import THREADS, Indices, PrefetchReader
from ablate.retrieval.input.samplers import sampler
from ablate.retrieval.input.targets import labels
from ablate.retrieval.input.transfer import Fetch, ahead, batchwise
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.device import deterministic
from ablate.retrieval.training.loop import BatchSource, fit
from ablate.retrieval.training.trainer import begin

CPU = torch.device("cpu")
SIZE, BATCH, BLOCK = (256, 128), 64, 256
IMAGE = 3 * SIZE[0] * SIZE[1]
FITS = 2048
"""Images of the set that fits."""

MEMORY, AHEAD, FITTING = "fits, in memory", "**larger, read ahead**", "fits, in a file, read ahead"
WAITS, MAPPED = "larger, read when asked for", "larger, through the memory map"
ALL = (MEMORY, AHEAD, WAITS, MAPPED)
LIGHT_STEPS = 12
GROUPS = Path("/sys/fs/cgroup")

Images = NDArray[np.uint8]
Make = Callable[[RetrievalConfig, Images, Fetch, int], Run]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--cache", type=float, default=1.5, help="GiB of memory beyond what the process needs")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--no-keep", action="store_true")
    asked = parser.parse_args()
    deterministic(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder, group("memory") as memory, group("blkio") as disk:
        sets = Sets(Path(folder), round(asked.gigabytes * 1e9 / IMAGE))
        light, usual = config("timm/test_resnet", 2), config("resnet18", 1)
        limit = Limit(memory, asked.cache)
        lines = [
            "# A set larger than memory",
            "",
            f"{len(sets.larger):,} images of {SIZE[0]}×{SIZE[1]}, {sets.larger.nbytes / 1e9:.1f} GB, and {FITS:,} that "
            f"fit; {asked.cache:g} GiB for what the kernel keeps of files. CPU threads: {torch.get_num_threads()}.",
            "",
        ]
        lines += section(trainer, usual, sets, 2, asked.rounds, limit)
        lines += section(trainer, light, sets, LIGHT_STEPS, asked.rounds, limit)
        lines += section(trainer, light, sets, LIGHT_STEPS, asked.rounds, limit, (MEMORY, FITTING))
        lines += section(tester, light, sets, 4, asked.rounds, limit)
        lines += reading(sets.larger, asked.rounds, limit)
        rate = 2 * speed(light, sets) * IMAGE
        slow(disk, sets.larger, rate)
        lines += [f"From here on, the disk gives {rate / 1e6:.0f} MB a second, twice what this training takes.", ""]
        lines += section(trainer, light, sets, LIGHT_STEPS, asked.rounds, limit, ALL[:-1])
    if asked.no_keep:
        print("\n".join(lines))
    else:
        keep("larger", lines)


class Sets:
    """The images: of a file that is larger than memory, of one that fits, and of that one in memory."""

    def __init__(self, folder: Path, count: int) -> None:
        self.larger, self.file = written(folder / "larger.npy", count), written(folder / "small.npy", FITS)
        self.memory = np.array(self.file)


def written(path: Path, count: int) -> Images:
    """A memory map of so many images of noise, none of which is in memory now."""
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *SIZE, 3))
    noise = np.random.default_rng(count)
    with path.open("r+b") as file:
        file.seek(images.offset)
        for start in range(0, count, 1024):
            file.write(noise.bytes(IMAGE * min(1024, count - start)))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return np.load(path, mmap_mode="r")


@contextmanager
def group(kind: str) -> Iterator[Path]:
    """A control group below this process's, which it joins meanwhile."""
    lines = (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines())
    parent = next((GROUPS / kind / path.lstrip("/") for _, kinds, path in lines if kind in kinds.split(",")), None)
    if parent is None:
        raise SystemExit(f"no control group of version 1 for {kind} here")
    own = parent / f"ablate-{os.getpid()}"
    own.mkdir()
    (own / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield own
    finally:
        (parent / "cgroup.procs").write_text(str(os.getpid()))
        own.rmdir()


class Limit:
    """The memory that a control group has: `cache` GiB more than what is needed, which a run shows."""

    def __init__(self, group: Path, cache: float) -> None:
        self.group, self.cache = group, cache

    def set_by(self, run: Callable[[], None]) -> None:
        (self.group / "memory.limit_in_bytes").write_text("-1")
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
        run()
        status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        needed = (int(status["VmHWM"].split()[0]) - int(status["RssFile"].split()[0])) * 2**10
        (self.group / "memory.limit_in_bytes").write_text(str(needed + int(self.cache * 2**30)))

    def cached(self) -> float:
        """GiB of files that the kernel holds for the group."""
        return int(dict(line.split() for line in (self.group / "memory.stat").open())["cache"]) / 2**30


def slow(group: Path, images: Images, rate: float) -> None:
    """Has the group read at most so many bytes a second from the disk that the images lie on."""
    device = Path(images.filename).stat().st_dev
    (group / "blkio.throttle.read_bps_device").write_text(f"{os.major(device)}:{os.minor(device)} {rate:.0f}")


def disk_bytes() -> int:
    """What this process has had read from disks."""
    return int(dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["read_bytes"])


def config(backbone: str, last_stride: int) -> RetrievalConfig:
    """A step of 64 images."""
    return RetrievalConfig.model_validate(
        {
            "data": {"size": list(SIZE)},
            "model": {"backbone": backbone, "last_stride": last_stride},
            "batch": {"quadruplets": BATCH // 4},
            "amp": "bf16" if torch.cpu._is_avx512_bf16_supported() else "none",
        }
    )


def labelled(images: Images) -> Dataset:
    """Items of two images of shops and two of users, in 13 categories, all for training."""
    place = np.arange(len(images))
    domain = (place % 4 // 2).astype(np.uint8)
    return Dataset(
        name="noise",
        fingerprint="noise",
        images=images,
        item=(place // 4).astype(np.int32),
        category=(place // 4 % 13).astype(np.int16),
        domain=domain,
        split=np.zeros(len(images), np.uint8),
        role=roles(domain),
        camera=np.full(len(images), NO_CAMERA, np.int32),
        source=np.zeros(len(images), "S1"),
        categories=tuple(f"category {number}" for number in range(13)),
    )


def section(
    make: Make, case: RetrievalConfig, sets: Sets, steps: int, rounds: int, limit: Limit, names: Sequence[str] = ALL
) -> list[str]:
    """Training or testing a kind of network, the contenders in turn."""
    clock = Clock()
    fetches = {
        MEMORY: (sets.memory, clock.timing(batchwise(sets.memory, CPU))),
        AHEAD: (sets.larger, Timed(sets.larger, clock)),
        FITTING: (sets.file, Timed(sets.file, clock)),
        WAITS: (sets.larger, clock.timing(batchwise(sets.larger, CPU))),
        MAPPED: (sets.larger, clock.timing(through_map(sets.larger))),
    }
    # Seeds differ, or one would find in memory what another has just read.
    contenders = {name: make(case, *each, seed) for seed, (name, each) in enumerate(fetches.items()) if name in names}
    limit.set_by(lambda: contenders[MEMORY](steps))
    what, size = ("training", BATCH) if make is trainer else ("testing", BLOCK)
    lines = [f"## {case.model.backbone}, {what}, {size} images a step", ""]
    return lines + table(contenders, steps, size, rounds, clock, limit)


class Clock:
    """Adds up the seconds that a training waits for images."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timing(self, fetch: Fetch) -> Fetch:
        """The fetch, timed; as it is no reader, nothing is read ahead for it."""

        def get(indices: Indices) -> torch.Tensor:
            started = time.perf_counter()
            images = fetch(indices)
            self.seconds += time.perf_counter() - started
            return images

        return get


class Timed(PrefetchReader):
    """A reader whose batches are timed when they are asked for."""

    def __init__(self, images: Images, clock: Clock) -> None:
        super().__init__(images, CPU)
        self.clock = clock

    @contextmanager
    def ahead(self, lists: Iterable[Indices]) -> Iterator[Fetch]:
        with super().ahead(lists) as fetch:
            yield self.clock.timing(fetch)


def speed(case: RetrievalConfig, sets: Sets) -> float:
    """Images a second of a training in memory."""
    run = trainer(case, sets.memory, batchwise(sets.memory, CPU), 0)
    run(LIGHT_STEPS)
    return LIGHT_STEPS * BATCH / timed(run, LIGHT_STEPS)


def through_map(images: Images) -> Fetch:
    return lambda indices: torch.from_numpy(images[indices])


def trainer(case: RetrievalConfig, images: Images, fetch: Fetch, seed: int) -> Run:
    """The loop as trials run it, checkpoints aside."""
    dataset = labelled(images)
    known = labels(dataset, case.loss)
    training, source = begin(case, known, seed, CPU), BatchSource(sampler(dataset, case.batch), fetch, known)

    def run(steps: int) -> None:
        schedule = case.schedule.model_copy(update={"steps": training.step + steps})
        until = case.model_copy(update={"schedule": schedule})
        fit(training, source, until, seed, CheckpointSaver(None, 0.0, {}), lambda _: None)

    return run


def tester(case: RetrievalConfig, images: Images, fetch: Fetch, seed: int) -> Run:
    """Features of images here and there in the file, of others at every run."""
    dataset, random = labelled(images), np.random.default_rng(seed)
    network = begin(case, labels(dataset, case.loss), seed, CPU).network.eval()

    def run(blocks: int) -> None:
        chosen = np.sort(random.choice(len(images), BLOCK * blocks, replace=False))
        with torch.no_grad():
            features(network, fetch, chosen, case.amp)

    return run


def table(contenders: Mapping[str, Run], steps: int, size: int, rounds: int, clock: Clock, limit: Limit) -> list[str]:
    """Speed of each in steps of `size` images, beside the first's; and what was read from the disk."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    waited: dict[str, list[float]] = {name: [] for name in contenders}
    read: dict[str, list[float]] = {name: [] for name in contenders}
    held = []
    for number in range(rounds + 1):
        for name, run in contenders.items():
            before, clock.seconds = disk_bytes(), 0.0
            taken = timed(run, steps)
            if number:  # the first round warms up
                seconds[name].append(taken)
                waited[name].append(clock.seconds)
                read[name].append((disk_bytes() - before) / (steps * size * IMAGE))
                held.append(limit.cached())
    first, *_ = contenders
    lines = ["| | images / s | speed, to the first's | of it waiting for images | read from the disk, to asked for |"]
    lines += ["| :-- | --: | --: | --: | --: |"]
    for name, taken in seconds.items():
        rate = steps * size / statistics.median(taken)
        compared = ratio(taken, seconds[first]) if name != first else "1"
        share = statistics.median(some / whole for some, whole in zip(waited[name], taken, strict=True))
        lines.append(f"| {name} | {rate:,.0f} | {compared} | {share:.1%} | {statistics.mean(read[name]):.2f} |")
    lines += ["", f"The kernel held {min(held):.2f} to {max(held):.2f} GiB of files at the ends of turns.", ""]
    print("\n".join(lines), file=sys.stderr)
    return lines


def reading(images: Images, rounds: int, limit: Limit) -> list[str]:
    """Nothing but reading: the disk by itself, and what a training is given."""
    clock, random = Clock(), np.random.default_rng(2)

    def draw(steps: int) -> Indices:
        return random.integers(0, len(images), (steps, BATCH))

    plain = clock.timing(batchwise(images, CPU))
    mapped = clock.timing(through_map(images))
    contenders = {
        f"bare reads of {IMAGE:,} bytes at random, {THREADS} threads": lambda steps: bare(images, draw(steps)),
        AHEAD: lambda steps: walk(Timed(images, clock), draw(steps)),
        WAITS: lambda steps: walk(plain, draw(steps)),
        MAPPED: lambda steps: walk(mapped, draw(steps)),
    }
    return [f"## Reading alone, {BATCH} images a step", "", *table(contenders, 20, BATCH, rounds, clock, limit)]


def bare(images: Images, lists: Indices) -> None:
    """Every image's bytes into the same place, each thread its own."""
    file = os.open(images.filename, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
    places = images.offset + IMAGE * lists.ravel()

    def read(mine: Indices) -> None:
        into = [bytearray(IMAGE)]
        for place in mine.tolist():
            os.preadv(file, into, place)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, [places[start::THREADS] for start in range(THREADS)]))
    os.close(file)


def walk(fetch: Fetch, lists: Indices) -> None:
    with ahead(fetch, lists) as soon:
        for each in lists:
            soon(each)


if __name__ == "__main__":
    main()
