"""Exact retrieval beside faiss and plain torch: seconds, memory above the inputs, and agreement.

    python benchmarks/retrieval.py [--queries 12377 --gallery 36961 --width 2048 --rounds 3] [--no-keep]

Every search is a process of its own, on features that lie in memory when the clock starts; the contenders take turns.
Neighbours are held against each other, and for some queries against sorting by float64.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from machine import keep
from numpy.typing import NDArray
from torch import Tensor

from ablate.retrieval.evaluation import exact_neighbours as searching
from ablate.retrieval.evaluation.average_precision import MatchKeys, judge, judge_blocks
from ablate.retrieval.evaluation.exact_neighbours import nearest
from ablate.retrieval.training.device import bf16_hardware, device_name

K = 10
SAMPLE = 200
"""Queries held against float64."""

ERROR = 1e-6
"""Between unit vectors, float32 products in any usual order differ by less from the exact ones."""

ROWS = 256
"""Queries at once, in plain torch."""


class Features(NamedTuple):
    """Unit vectors, and which item each shows."""

    queries: Tensor
    gallery: Tensor
    asked: Tensor
    held: Tensor


def random(rng: np.random.Generator, count: int, item: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    return rng.standard_normal((count, width), np.float32)


def clustered(rng: np.random.Generator, count: int, item: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """An item is a cluster; within it, cosines are about 0.9."""
    return random(rng, item.max() + 1, item, width)[item] + 0.33 * random(rng, count, item, width)


def spread(rng: np.random.Generator, count: int, item: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """Clusters that overlap, as of a network in training: cosines within them are about 0.1."""
    return random(rng, item.max() + 1, item, width)[item] + 3 * random(rng, count, item, width)


def tight(rng: np.random.Generator, count: int, item: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """Ten clusters, all of whose products are equal but for what bf16 cannot tell."""
    return random(rng, 10, item, width)[item % 10] + 0.02 * random(rng, count, item, width)


def quantised(rng: np.random.Generator, count: int, item: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """Numbers -1, 0 and 1, before they are brought to unit length."""
    return np.rint(0.7 * random(rng, count, item, width)).clip(-1, 1)


def duplicated(rng: np.random.Generator, count: int, item: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """Every vector a hundred times over."""
    vectors = max(2, count // 100)
    return random(rng, vectors, item, width)[rng.integers(0, vectors, count)]


KINDS = {
    "random": random,
    "clustered": clustered,
    "spread": spread,
    "quantised": quantised,
    "duplicated": duplicated,
    "tight": tight,
}


def items(count: int) -> int:
    """About 3,000, of all queries and entries of the log."""
    return max(1, count // 16)


def made(kind: str, queries: int, gallery: int, width: int) -> Features:
    rng, count = np.random.default_rng(0), queries + gallery
    shown = rng.permutation(count) % items(count)
    found = torch.from_numpy(KINDS[kind](rng, count, shown, width))
    found /= torch.linalg.vector_norm(found, dim=1, keepdim=True).clamp(min=1e-12)
    item = torch.from_numpy(shown)
    return Features(found[:queries].clone(), found[queries:].clone(), item[:queries], item[queries:])


def ours(given: Features) -> Tensor:
    return nearest(given.queries, given.gallery, K).entry


def ours_fp32(given: Features) -> Tensor:
    """As on a CPU that has no instructions for bf16."""
    searching.precisions = lambda gallery: (torch.float32,)
    return ours(given)


def by_faiss(given: Features) -> Tensor:
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatIP(given.gallery.shape[1])
    index.add(given.gallery.numpy())
    return torch.from_numpy(index.search(given.queries.numpy(), K)[1])


def by_torch(given: Features) -> Tensor:
    return torch.cat([(asked @ given.gallery.T).topk(K).indices for asked in torch.split(given.queries, ROWS)])


def marks(item: Tensor, offset: int) -> MatchKeys:
    return MatchKeys(item, torch.full_like(item, -1), torch.arange(offset, offset + len(item)))


def ours_judged(given: Features) -> Tensor:
    asked, held = marks(given.asked, 0), marks(given.held, len(given.asked))
    return precisions(judge(given.queries, given.gallery, asked, held))


def sorted_by_torch(given: Features) -> Tensor:
    """A product and a sort of every query's whole gallery."""
    asked, held = marks(given.asked, 0), marks(given.held, len(given.asked))
    blocks = (
        (given.queries[here] @ given.gallery.T, MatchKeys(*(mark[here] for mark in asked)))
        for here in torch.split(torch.arange(len(given.queries)), ROWS)
    )
    return precisions(judge_blocks(blocks, held))


def precisions(judged: Sequence[NDArray[np.generic]]) -> Tensor:
    return torch.from_numpy(np.stack([each.astype(float) for each in judged], 1))


SEARCHES: dict[str, Callable[[Features], Tensor]] = {
    "ours": ours,
    "ours, fp32 alone": ours_fp32,
    "faiss IndexFlatIP": by_faiss,
    "torch: product, topk": by_torch,
}
JUDGES: dict[str, Callable[[Features], Tensor]] = {
    "ours": ours_judged,
    "torch: product, sort": sorted_by_torch,
}
JUDGED = ("random", "spread", "clustered")


class Run(NamedTuple):
    seconds: float
    peak: float  # MiB above what was held before
    others: float  # cores that were used by others meanwhile
    found: NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("queries", 12377), ("gallery", 36961), ("width", 2048), ("rounds", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait before each run for a quiet machine")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--no-keep", action="store_true", help="print, and leave the kept results as they are")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # what is run, by whom, where its answer goes
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    size = (options.queries, options.gallery, options.width)
    if options.one:
        one(*options.one, size)
        return
    lines = report(options, size)
    if options.no_keep:
        print("\n".join(lines))
    else:
        keep("retrieval", lines)


def report(options: argparse.Namespace, size: tuple[int, int, int]) -> list[str]:
    queries, gallery, width = size
    cpu = torch.device("cpu")
    lines = [
        "# Exact retrieval",
        "",
        f"The {K} nearest of {queries:,} queries among {gallery:,} entries of {width:,} numbers each, in float32, on "
        f"{device_name(cpu)}, {options.threads} threads; bf16 in hardware: {bf16_hardware(cpu)}. "
        f"faiss {version('faiss-cpu')}. Medians of {options.rounds} rounds, with their range; memory is the peak above "
        "the inputs. The last column is how many cores others used meanwhile, in each run.",
        "",
        "| features | | s | MiB | as faiss | as float64, where gaps allow | as float64, ties by index | others |",
        "| :-- | :-- | --: | --: | --: | --: | --: | --: |",
    ]
    for kind in options.only:
        runs = rounds(options, "search", kind, SEARCHES)
        truth, clear = reference(made(kind, *size))
        theirs = runs["faiss IndexFlatIP"][0].found
        for name, done in runs.items():
            found = done[0].found
            sampled = found[:: max(1, queries // SAMPLE)]
            shares = " | ".join(map(share, (found == theirs, (sampled == truth)[clear], sampled == truth)))
            lines.append(f"| {kind} | {name} | {cost(done)} | {shares} | {others(done)} |")
    lines += [
        "",
        "Two columns of agreement hold "
        f"{SAMPLE} of the queries against sorting by float64 products, rounded to float32: first only places whose "
        f"neighbours in that order are more than {ERROR:g} away, then all, where equal ones come by index.",
        "",
        "## Whole rankings",
        "",
        f"First rank, average precision and mAP@R of every query, over all {gallery:,} entries; about "
        f"{gallery // items(queries + gallery)} right ones a query.",
        "",
        "| features | | s | MiB | mean average precision | first ranks as ours | others |",
        "| :-- | :-- | --: | --: | --: | --: | --: |",
    ]
    for kind in [kind for kind in options.only if kind in JUDGED]:
        runs = rounds(options, "judge", kind, JUDGES)
        for name, done in runs.items():
            found = done[0].found
            same = share(found[:, 0] == runs["ours"][0].found[:, 0])
            lines.append(f"| {kind} | {name} | {cost(done)} | {found[:, 1].mean():.6f} | {same} | {others(done)} |")
    return lines


def rounds(options: argparse.Namespace, what: str, kind: str, contenders: Sequence[str]) -> dict[str, list[Run]]:
    """Runs of all contenders, who take turns."""
    found: dict[str, list[Run]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name in contenders:
                path = Path(folder) / "found.npy"
                wait_for_quiet(options.patience)
                size = [f"--{name}={getattr(options, name)}" for name in ("queries", "gallery", "width", "threads")]
                command = [sys.executable, __file__, *size, "--one", f"{what} {kind}", name, str(path)]
                said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
                found[name].append(Run(**said, found=np.load(path)))
                print(f"{what} {kind}, {name}:", said, file=sys.stderr)
    return found


def one(what: str, name: str, path: str, size: tuple[int, int, int]) -> None:
    """One run, in this process."""
    task, kind = what.split()
    given = made(kind, *size)
    work = (SEARCHES if task == "search" else JUDGES)[name]
    work(Features(given.queries[:8], given.gallery[:1000], given.asked[:8], given.held[:1000]))  # libraries, threads
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before, began, busy, own = memory("VmRSS"), time.perf_counter(), busy_seconds(), time.process_time()
    found = work(given)
    seconds, peak = time.perf_counter() - began, memory("VmHWM") - before
    others = (busy_seconds() - busy - (time.process_time() - own)) / seconds
    np.save(path, found.numpy())
    print(json.dumps({"seconds": seconds, "peak": peak, "others": others}))


def wait_for_quiet(patience: float) -> None:
    """Waits until others leave the machine alone for two seconds, or patience ends."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        before = busy_seconds()
        time.sleep(2)
        if busy_seconds() - before < 0.1:
            return


def busy_seconds() -> float:
    """Seconds that the machine's cores have worked, together."""
    user, nice, system, _idle, _waiting, *more = (
        Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
    )
    return sum(map(int, (user, nice, system, *more[:3]))) / os.sysconf("SC_CLK_TCK")


def memory(name: str) -> float:
    """MiB of this process: `VmRSS`, what it holds; `VmHWM`, the most that it held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{name}:")[1].split()[0]) / 1024


def reference(given: Features) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The best of some queries by float64, and which of them are clearly apart from those before and after."""
    some = given.queries[:: max(1, len(given.queries) // SAMPLE)]
    exact = (some.double() @ given.gallery.double().T).float()
    ordered, entry = exact.sort(dim=1, descending=True, stable=True)
    gaps = -np.diff(ordered[:, : K + 1].double().numpy(), axis=1) > ERROR
    return entry[:, :K].numpy(), gaps & np.pad(gaps, ((0, 0), (1, 0)), constant_values=True)[:, :K]


def share(agree: NDArray[np.bool_]) -> str:
    return f"{agree.mean():.3%}" if agree.size else "none"


def cost(done: Sequence[Run]) -> str:
    seconds = [run.seconds for run in done]
    return f"{median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f}) | {max(run.peak for run in done):,.0f}"


def others(done: Sequence[Run]) -> str:
    return ", ".join(f"{max(0.0, run.others):.1f}" for run in done)


if __name__ == "__main__":
    main()
