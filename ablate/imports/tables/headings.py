"""The headings of columns: names, percent signs, arrows for the direction, and names of standard deviations."""

import re
from dataclasses import dataclass

from ablate.imports.tables.grid import MOST_LETTERS_OF_HEADINGS
from ablate.measurement import Direction

_UP = r"↑|⬆|▲|higher(?: is)?(?: the)? better"
_DOWN = r"↓|⬇|▼|lower(?: is)?(?: the)? better"
_ARROW = re.compile(rf"\s*[(\[{{]?\s*(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\ufe0f?\s*[)\]}}]?", re.IGNORECASE)
_PERCENT = re.compile(r"\s*(?:[(\[]\s*(?:in\s+)?(?:%|percent)\s*[)\]]|,?\s*\bin\s+(?:%|percent)|%)", re.IGNORECASE)
_MEAN_AND_SD = re.compile(
    r"[\s,]*[(\[]?\s*\b(?:mean|avg|average)\s*(?:±|\+/-|\+-)\s*(?:std|sd|stdev)\b\.?\s*[)\]]?", re.IGNORECASE
)
_SEEDS = re.compile(r"\s*[(\[]\s*(?:n\s*=\s*(\d+)|(\d+)\s+(?:seeds|runs|trials))\s*[)\]]", re.IGNORECASE)

_SD = r"std\.?[ _]?dev\.?|standard deviation|stddev|stdev|std\.?|sd|±"
_SE = r"std\.?[ _]?err\.?|standard error|stderr|sem|se"
_GAP = r"[ _./:-]+"
SEED_NAMES = frozenset(
    {
        "seed",
        "seeds",
        "random_state",
        "random_seed",
        "run",
        "trial",
        "fold",
        "rep",
        "repeat",
        "replicate",
        "repetition",
        "split",
        "try",
        "attempt",
    }
)
"""Names of columns that count runs of one setting, in small letters."""
COUNT_NAMES = frozenset(
    {
        "n",
        "seeds",
        "runs",
        "n_seeds",
        "num_seeds",
        "n_runs",
        "num_runs",
        "nseeds",
        "nruns",
        "repeats",
        "replicates",
        "n_repeats",
        "count",
    }
)
"""Names of columns with the number of seeds, in small letters with underscores."""
_SEED_COLUMN = re.compile(
    rf"(?:(?P<before>.+?){_GAP})?(?:seed|run|trial|fold|rep|repeat|replicate|split)[ _=#:.-]*(?P<number>\d{{1,18}})"
    rf"(?:{_GAP}(?P<after>.+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Heading:
    """A heading without its signs, and what these say."""

    name: str
    is_percent: bool = False
    direction: Direction | None = None
    seeds: int = 0
    """The number of seeds that it states, as in `acc (n=5)`; 0 without one."""


def heading(text: str) -> Heading:
    """Return a heading without percent sign, arrow and number of seeds: `Top-1 (%) ↑` is named `Top-1`."""
    if len(text) > MOST_LETTERS_OF_HEADINGS:
        return Heading(text.strip())
    arrow, seeds, percent = _ARROW.search(text), _SEEDS.search(text), _PERCENT.search(text)
    name = text
    spread = _MEAN_AND_SD.search(text)
    for pattern, match in ((_MEAN_AND_SD, spread), (_ARROW, arrow), (_SEEDS, seeds), (_PERCENT, percent)):
        name = pattern.sub("", name) if match else name
    direction = None if arrow is None else Direction.MAXIMIZE if arrow["up"] else Direction.MINIMIZE
    count = 0 if seeds is None else int(seeds[1] or seeds[2])
    return Heading(" ".join(name.split()) or text.strip(), percent is not None, direction, count)


def sd_of(name: str) -> str:
    """Return the metric whose standard deviation a column has by its name: `acc` for `acc_std`; empty if none."""
    return _named(name, _SD)


def se_of(name: str) -> str:
    """Return the metric whose standard error a column has by its name: `acc` for `acc_stderr`; empty if none."""
    return _named(name, _SE)


def mean_of(name: str) -> str:
    """Return the metric whose mean a column has by its name: `acc` for `acc_mean`; the name itself otherwise."""
    return _named(name, "mean|avg|average") or name


def seed_column(name: str) -> tuple[str, int] | None:
    """Return the metric and the seed of a column such as `seed 0` (no metric) or `acc_seed_1`; None if it is none."""
    if name.isdecimal() and len(name) <= 18:
        return "", int(name)
    match = _SEED_COLUMN.fullmatch(name)
    if match is None or (match["before"] and match["after"]):
        return None
    return match["before"] or match["after"] or "", int(match["number"])


def is_seed_name(name: str) -> bool:
    """Return True if a column counts the runs of one setting by its name."""
    return name.strip().casefold().replace(" ", "_") in SEED_NAMES


def _named(name: str, words: str) -> str:
    forms = (
        rf"(?P<base>.+?)(?:{_GAP}|\s*[(\[]\s*)(?:{words})\s*[)\]]?",
        rf"(?:{words})(?:{_GAP}(?:of )?|\s*[(\[]\s*)(?P<base>.+?)\s*[)\]]?",
    )
    for form in forms:
        if match := re.fullmatch(form, name.strip(), re.IGNORECASE):
            return match["base"]
    return ""
