"""The text about the same image in two places of a data set."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ablate.text import fault_lines
from ablate.trainers.entry import Config

if TYPE_CHECKING:
    from ablate.retrieval.data.packing.leakage import Leakage

REMEDY = "take the copies out of the annotations, or correct their items"


def leakage_warnings(configs: Iterable[Config]) -> Iterator[str]:
    """Yield one warning for each kind of leakage in each packed data set that the plain configs name."""
    from ablate.retrieval import data

    sections = {(each["data"]["name"], each["data"]["root"], tuple(each["data"]["size"])): None for each in configs}
    for name, root, size in sections:
        found = data.leakage(name, root, size)
        if found:
            yield f"{name} at {root or 'its usual place'}: {'; '.join(found.counts())}. {found.examples[0]}; {REMEDY}"


def leakage_lines(found: "Leakage") -> str:
    """Return the counts and the first images, a line each."""
    counts = [f"warning: {count}" for count in found.counts()]
    remedy = f"{REMEDY[0].upper()}{REMEDY[1:]}; `--leakage refuse` refuses such data sets"
    return "\n".join([*counts, fault_lines(found.examples), remedy])
