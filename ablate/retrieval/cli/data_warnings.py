"""The text about packed data sets: the same image in two places, and photographs that have been replaced."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ablate.text import fault_lines, plural
from ablate.trainers.entry import Config

if TYPE_CHECKING:
    from ablate.retrieval.data.packing.leakage import Leakage

REMEDY = "take the copies out of the annotations, or correct their items"


def data_warnings(configs: Iterable[Config]) -> Iterator[str]:
    """Yield the warnings about each packed data set that the plain configs name."""
    from ablate.retrieval import data

    sections = {(each["data"]["name"], each["data"]["root"], tuple(each["data"]["size"])): None for each in configs}
    for name, root, size in sections:
        if changed := data.replaced(name, root, size):
            photographs = plural(len(changed), "photograph")
            yield (
                f"{name} at {root or 'its usual place'}: {photographs} changed since packing, {changed[0]} the first; "
                "`ablate run` packs the data set again, and results of it as it was are stale then"
            )
        found = data.leakage(name, root, size)
        if found:
            yield f"{name} at {root or 'its usual place'}: {'; '.join(found.counts())}. {found.examples[0]}; {REMEDY}"


def leakage_lines(found: "Leakage") -> str:
    """Return the counts and the first images, a line each."""
    counts = [f"warning: {count}" for count in found.counts()]
    remedy = f"{REMEDY[0].upper()}{REMEDY[1:]}; `--leakage refuse` refuses such data sets"
    return "\n".join([*counts, fault_lines(found.examples), remedy])
