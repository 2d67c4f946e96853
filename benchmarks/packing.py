"""How many images a second packing does, beside a plain loop with Pillow over the same files.

    python benchmarks/packing.py [--photographs 1500] [--rounds 5] [--no-keep]

The loop opens, crops, resizes and stores, one image after the other, as one would write it; packing does that on all
cores, and hashes every file, keeps a journal and syncs. Both give the same pixels, which is checked. Both run in this
process after a round that is not counted, in turns, on files that the page cache holds.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import keep
from PIL import Image

from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.packing import format, packer
from ablate.retrieval.data.packing.format import FOLDER, PackLocation

SIZE = (256, 128)
SHAPES = ((600, 800), (750, 1000), (480, 640))  # width, height


def made_up(root: Path, count: int) -> ImageList:
    """Photographs as shops have them: something with edges and texture, JPEG at quality 90, one box in each."""
    rng = np.random.default_rng(0)
    grain = Image.effect_noise((1000, 1000), 24).convert("RGB")
    entries = []
    for n in range(count):
        width, height = SHAPES[n % len(SHAPES)]
        coarse = Image.fromarray(rng.integers(0, 256, (24, 18, 3), dtype=np.uint8))
        picture = coarse.resize((width, height), Image.Resampling.BICUBIC)
        path = f"{n // 500}/{n:06d}.jpg"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.blend(picture, grain.crop((0, 0, width, height)), 0.25).save(root / path, quality=90)
        left, top = int(rng.integers(0, width // 4)), int(rng.integers(0, height // 4))
        box = (left, top, left + width * 2 // 3, top + height * 2 // 3)
        entries.append(ImageEntry(path, str(n), "train", f"line {n}", "thing", role=0, box=box))
    return ImageList(root, entries, ("thing",), "0" * 64)


@dataclass(frozen=True)
class Took:
    """Seconds of a round: by the clock, and of all cores."""

    clock: float
    cores: float


def timed(work: Callable[[], object]) -> Took:
    clock, cores = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - clock, time.process_time() - cores)


def loop(listing: ImageList) -> None:
    """As one would write it."""
    shape = (len(listing.entries), *SIZE, 3)
    images = np.lib.format.open_memmap(listing.root / "loop.npy", mode="w+", dtype=np.uint8, shape=shape)
    for n, entry in enumerate(listing.entries):
        photo = Image.open(listing.root / entry.path).convert("RGB")
        images[n] = photo.crop(entry.box).resize(SIZE[::-1], Image.Resampling.BICUBIC)
    images.flush()


def ours(listing: ImageList) -> None:
    packer.prepare(place(listing), lambda: listing, SIZE, None)


def in_turn(listing: ImageList) -> tuple[Took, Took]:
    """A round: ours, then the loop."""
    shutil.rmtree(listing.root / FOLDER, ignore_errors=True)
    (listing.root / "loop.npy").unlink(missing_ok=True)
    return timed(lambda: ours(listing)), timed(lambda: loop(listing))


def place(listing: ImageList) -> PackLocation:
    return PackLocation(listing.root, "made-up", "")


def check(listing: ImageList) -> None:
    """Both have made the same."""
    found, _ = format.read(place(listing), SIZE, format.require(place(listing)).fingerprint)
    assert np.array_equal(found, np.load(listing.root / "loop.npy", mmap_mode="r"))


def line(name: str, rounds: Sequence[Took], count: int) -> str:
    rates = [count / each.clock for each in rounds]
    cost = statistics.median(1000 * each.cores / count for each in rounds)
    busy = statistics.median(each.cores / each.clock for each in rounds)
    spread = f"{min(rates):.0f} to {max(rates):.0f}"
    return f"| {name} | {statistics.median(rates):.0f} | {spread} | {cost:.1f} | {busy:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-keep", action="store_true", help="do not write benchmarks/results/packing.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        listing = made_up(Path(folder), asked.photographs)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.jpg")) / asked.photographs
        in_turn(listing)
        check(listing)
        load = os.getloadavg()[0]
        rounds = [in_turn(listing) for _ in range(asked.rounds)]
    us, them = zip(*rounds, strict=True)
    factor = statistics.median(other.clock / one.clock for one, other in rounds)
    lines = [
        "# Packing",
        "",
        f"{asked.photographs:,} made-up JPEG photographs of 480×640 to 750×1000 pixels ({size / 1000:.0f} kB each), "
        f"one box in each, to {SIZE[0]}×{SIZE[1]}; medians (and ranges) of {asked.rounds} rounds, in turns:",
        "",
        "| | images/s | range | ms of a core an image | cores in use |",
        "|---|--:|--:|--:|--:|",
        line("`ablate data prepare`", us, asked.photographs),
        line("a plain loop with Pillow", them, asked.photographs),
        "",
        f"Packing is {factor:.2f} times as fast (median of the rounds' ratios), with the same pixels.",
        f"Load average of the machine before the first of these rounds: {load:.1f} on {os.cpu_count()} cores.",
    ]
    if asked.no_keep:
        print("\n".join(lines))
    else:
        keep("packing", lines)


if __name__ == "__main__":
    main()
