"""Builds ablate/retrieval/data/emoji from ten pinned npm packages: run it again and the same bytes come out.

Needs npm on the path, and in this Python: numpy and exactly the versions named in PINNED below
(`pip install resvg-py==0.5.0 pillow==13.0.0`). Takes about a minute on two cores:

    python tools/build_emoji.py [--cache FOLDER] [--out FOLDER]

An image is left out when its vendor's drawing cannot be told apart: when it shows nothing on white, or
when the vendor uses the very same drawing for two items (a match between those would be right by luck).
"""

import argparse
import hashlib
import io
import json
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import emoji_names
import numpy as np
import resvg_py
from emoji_sources import SHOP, SOURCES, Source, download, licence, member
from numpy.typing import NDArray
from PIL import Image, features

PINNED = {"resvg-py": "0.5.0", "pillow": "13.0.0", "libjpeg-turbo": "3.2.0"}
OUT = Path(__file__).parents[1] / "ablate" / "retrieval" / "data" / "emoji"
SIZE = 64  # pixels, height and width of an image
STRIP = 64  # images in one file, one below the other: small enough to stay in the cache while decoded
VISIBLE = 200  # an image in which no channel of no pixel falls below this shows nothing on white
# Steps of the quantisation, equal for all frequencies: drawings are sharp edges on flat colour, where
# this costs 1 dB less than the standard tables at the same size. No chroma subsampling: with it, the
# colour of one image would bleed into the next, and decoders would differ in how they interpolate.
LUMA, CHROMA = 24, 32


def check_versions() -> None:
    """Other versions may render or compress to other bytes."""
    found = {name: version(name) for name in ("resvg-py", "pillow")}
    found["libjpeg-turbo"] = str(features.version("libjpeg_turbo"))
    if found != PINNED:
        raise SystemExit(f"found {found}, expected {PINNED}: pip install resvg-py==0.5.0 pillow==13.0.0")


def wrap(icons: dict[str, Any], name: str) -> str:
    """The SVG of one icon; what the icon does not say about its box, the set says for all."""
    icon = icons["icons"][name]
    default = {"left": 0, "top": 0, "width": 16, "height": 16}
    box = " ".join(str(icon.get(key, icons.get(key, default[key]))) for key in default)
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {spaces} width="{SIZE}" height="{SIZE}" viewBox="{box}">{icon["body"]}</svg>'


def shown(icons: dict[str, Any]) -> set[str]:
    """Names that the set draws today; `hidden` marks the ones that its vendor has withdrawn."""
    return {name for name, icon in icons["icons"].items() if not icon.get("hidden")}


def alias_pairs(icons: dict[str, Any]) -> list[tuple[str, str]]:
    """Names that the set calls the same, but for the ones that are the mirrored or turned drawing."""
    return [(a, v["parent"]) for a, v in icons.get("aliases", {}).items() if v.keys() == {"parent"}]


def render(archive: Path, names: dict[str, str]) -> dict[str, NDArray[np.uint8]]:
    """One vendor's drawings, (64, 64, 3) each, by item; `names` gives the vendor's name for each item."""
    icons = member(archive, "icons.json")
    images = {}
    for item, name in sorted(names.items()):
        svg = wrap(icons, name)
        png = resvg_py.svg_to_bytes(svg_string=svg, background="#ffffff", skip_system_fonts=True)
        images[item] = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))
    return images


def pack(pixels: NDArray[np.uint8]) -> bytes:
    """JPEG; its blocks of 8x8 pixels never reach from one image of a strip into the next."""
    buffer, tables = io.BytesIO(), [[LUMA] * 64, [CHROMA] * 64]
    Image.fromarray(pixels).save(buffer, "JPEG", qtables=tables, subsampling=0, optimize=True)
    return buffer.getvalue()


def unpack(data: bytes) -> NDArray[np.uint8]:
    """What a reader of the file sees."""
    return np.asarray(Image.open(io.BytesIO(data)))


def telling(images: dict[str, NDArray[np.uint8]]) -> dict[str, NDArray[np.uint8]]:
    """Without the images that show nothing or stand for two items, compared as they will be unpacked."""
    unpacked = {name: unpack(pack(image)).tobytes() for name, image in images.items()}
    uses = Counter(unpacked.values())
    return {n: i for n, i in images.items() if i.min() < VISIBLE and uses[unpacked[n]] == 1}


def choose(icons: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """For each vendor, item -> the vendor's own name, for every name that may become an item."""
    drawn = {vendor: shown(one) for vendor, one in icons.items()}
    pairs = [pair for one in icons.values() for pair in alias_pairs(one)]
    renamed = emoji_names.canonical(pairs, drawn)
    own = {vendor: {renamed.get(n, n): n for n in names} for vendor, names in drawn.items()}
    wanted = set(emoji_names.items({v: set(names) for v, names in own.items()}, SHOPS))
    return {vendor: {i: n for i, n in names.items() if i in wanted} for vendor, names in own.items()}


SHOPS = {source.vendor for source in SOURCES if source.domain == SHOP}


def category(names: list[str], known: dict[str, str]) -> str:
    """The category of an item from all names it goes by; noto lists few flags, the name tells the others."""
    if any(name.startswith("flag-for-") for name in names):
        return "Flags"
    return next((known[name] for name in names if name in known), "Other")


def categories(metadata: dict[str, Any], named: dict[str, dict[str, str]]) -> dict[str, str]:
    """Item -> one of noto's nine categories, or 'Other'."""
    known = {name: category for category, names in metadata["categories"].items() for name in names}
    goes_by: dict[str, list[str]] = {}
    for names in named.values():
        for item, name in names.items():
            goes_by.setdefault(item, [item]).append(name)
    return {item: category(names, known) for item, names in goes_by.items()}


def strips(vendor: str, images: list[NDArray[np.uint8]]) -> dict[str, bytes]:
    """File name -> JPEG of images below each other, so that decoded rows are images already."""
    starts = range(0, len(images), STRIP)
    return {f"{vendor}/{n:02d}.jpg": pack(np.concatenate(images[s : s + STRIP])) for n, s in enumerate(starts)}


def table(names: list[str], labels: dict[str, str], kept: dict[str, Any]) -> bytes:
    """items.tsv: one line an item in the order of its number; an image's place is its rank in its vendor."""
    lines = ["name\tcategory\tfamily\tsplit\tvendors"]
    for name in names:
        family = emoji_names.family(name)
        vendors = " ".join(v for v, images in kept.items() if name in images)
        lines.append(f"{name}\t{labels[name]}\t{family}\t{emoji_names.split(family)}\t{vendors}")
    return ("\n".join(lines) + "\n").encode()


def describe(source: Source, images: int, info: dict[str, Any]) -> dict[str, Any]:
    """What the index says of a vendor."""
    licence_id = info["license"]["spdx"]
    pins = {"package": source.package, "version": source.version, "integrity": source.integrity}
    return {"name": source.vendor, "domain": source.domain, "images": images, "licence": licence_id, **pins}


def pixels(files: dict[str, bytes]) -> str:
    """sha256 of all images as decoded, in the order of the index: says whether a decoder differs."""
    total = hashlib.sha256()
    for data in files.values():
        total.update(unpack(data).tobytes())
    return total.hexdigest()


def write(files: dict[str, bytes], out: Path) -> None:
    """Every file anew; a file of an earlier build that is no longer wanted goes."""
    for old in out.glob("*/"):
        shutil.rmtree(old)
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


def build(cache: Path, out: Path) -> None:
    """All steps, in order."""
    archives = {source.vendor: download(source, cache) for source in SOURCES}
    info = {vendor: member(archive, "info.json") for vendor, archive in archives.items()}
    named = choose({vendor: member(archive, "icons.json") for vendor, archive in archives.items()})
    with ProcessPoolExecutor() as workers:
        rendered = dict(zip(archives, workers.map(render, archives.values(), named.values()), strict=True))
    clear = {vendor: telling(images) for vendor, images in rendered.items()}
    names = emoji_names.items({v: set(images) for v, images in clear.items()}, SHOPS)
    kept = {vendor: {n: images[n] for n in names if n in images} for vendor, images in clear.items()}
    packs = {f: data for vendor, images in kept.items() for f, data in strips(vendor, [*images.values()]).items()}
    labels = categories(member(archives["noto"], "metadata.json"), named)
    packs["items.tsv"] = table(names, labels, kept)
    index = {
        "images": sum(len(images) for images in kept.values()),
        "size": SIZE,
        "strip": STRIP,
        "categories": sorted({labels[name] for name in names}),
        "vendors": [describe(s, len(kept[s.vendor]), info[s.vendor]) for s in SOURCES],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in packs.items()},
        "pixels": pixels({name: data for name, data in packs.items() if name.endswith(".jpg")}),
        "built_with": PINNED,
    }
    licences = {f"{s.vendor}/LICENSE.txt": licence(s, info[s.vendor]).encode() for s in SOURCES}
    index_file = {"index.json": (json.dumps(index, indent=1) + "\n").encode()}
    write({**packs, **licences, **index_file}, out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build the embedded emoji data set.")
    parser.add_argument("--cache", type=Path, help="folder that keeps the downloaded packages")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to")
    options = parser.parse_args()
    check_versions()
    with tempfile.TemporaryDirectory() as scratch:
        build(options.cache or Path(scratch), options.out)


if __name__ == "__main__":
    main()
