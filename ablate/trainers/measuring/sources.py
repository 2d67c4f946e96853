"""The place of a metric's values in the outputs of a training, as the key `from` of a study file names it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ablate.errors import nearest
from ablate.measurement import Direction
from ablate.text import listed
from ablate.trainers.measuring.regexes import compiled
from ablate.trainers.measuring.takes import Take
from ablate.trainers.measuring.tensorboard_events import EVENT_FILES

OWN, RESULT, JSON, STDOUT, TENSORBOARD, FILE = "", "result", "json", "stdout", "tensorboard", "file"
"""The kinds of places. OWN: `from` is left out, so the results or the last JSON line have the metric's own name."""
FORMS = {RESULT: "KEY", JSON: "KEY", STDOUT: "REGEX", TENSORBOARD: "TAG"}
"""{word before the colon: the part after it}."""
TABLES = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")
SUFFIXES = (".json", *LINES, *TABLES)
"""The files that are read for a key or a column, by the ends of their names."""
FOLDER = "${dir}/"
"""The beginning that a path in the folder of the training may have."""

RUN_EXAMPLES = "run.examples"
"""The `examples` of a metric if a function of the user gives them by a call of this name."""
VALIDATION_PARTS = {"val", "valid", "validation", "dev", "eval"}
"""The parts of a name that show that the metric is measured on validation data."""
LOWER_WORDS = ("loss", "error", "perplexity")
LOWER_PARTS = {"err", "ppl", "mse", "rmse", "mae", "nll", "wer", "cer", "fid"}
"""The words in a name, and the parts of a name, that show that lower values are better."""
_BETWEEN_PARTS = re.compile(r"[/_\-. ]+|(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Origin:
    """The place of a series of values."""

    kind: str
    key: str
    """The key, column, tag or regular expression."""
    file: str = ""
    """The pattern of the file in the folder of the training, of FILE and TENSORBOARD."""


@dataclass(frozen=True)
class MetricSource:
    """The place of a metric's values, and the value that is taken of them."""

    metric: str
    origin: str = ""
    """The text of `from`; empty if it is left out."""
    take: Take = field(default_factory=Take)
    examples: str = ""
    """The file with the outcome of each example; empty if there is none."""
    is_rate: bool = False
    """True if values are in [0, 1] and printed in percent."""
    is_validation: bool = False
    """True if the metric is measured on validation data."""
    is_percent: bool = False
    """True if the script writes percent: 93.1 is read as 0.931."""

    def to_json(self) -> dict[str, Any]:
        """Return the source as plain values, without those that are usual."""
        usual = MetricSource(self.metric)
        values = {name: value for name, value in vars(self).items() if value != getattr(usual, name)}
        return {"metric": self.metric, **values, **({"take": self.take.to_json()} if "take" in values else {})}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MetricSource":
        """Return the source that `to_json` made plain values of."""
        return cls(**{**stored, "take": Take.from_json(stored.get("take", {}))})


def is_validation_name(name: str) -> bool:
    """Return True if a part of a name, as in `val_acc` or `eval/loss`, means validation data."""
    return any(part.casefold() in VALIDATION_PARTS for part in _BETWEEN_PARTS.split(name))


def usual_direction(name: str) -> Direction:
    """Return which values are better of a metric that no study declares, by its name."""
    is_lower = any(word in name.casefold() for word in LOWER_WORDS)
    is_lower = is_lower or any(part.casefold() in LOWER_PARTS for part in _BETWEEN_PARTS.split(name))
    return Direction.MINIMIZE if is_lower else Direction.MAXIMIZE


def parse_origin(text: str, metric: str) -> Origin:
    """Return the place that the text of `from` means; ValueError in words if it means none.

    An empty text means that `from` is left out: the place is then found by the name of the metric.
    """
    if not text:
        return Origin(OWN, metric)
    head, _, key = text.removeprefix(FOLDER).partition(":")
    if head == STDOUT and key:
        compiled(key)
    if head in FORMS and key:
        return Origin(head, key, f"**/{EVENT_FILES}" if head == TENSORBOARD else "")
    is_events = "tfevents" in head.rpartition("/")[2]
    if head not in FORMS and not is_events and not head.lower().endswith(SUFFIXES):
        raise ValueError(_unknown_form(text, head))
    if not key:
        raise ValueError(f"found {text!r}, without {_missing_part(head, metric)}")
    check_path(head)
    return Origin(TENSORBOARD if is_events else FILE, key, head)


def _missing_part(head: str, metric: str) -> str:
    if head == STDOUT:
        return f"a regular expression; write for example 'stdout:{metric}: ([-+.0-9eE]+)'"
    return f"a key after a colon; write for example '{head}:{metric}'"


def _unknown_form(text: str, head: str) -> str:
    near = nearest(head, FORMS)
    meant = f" did you mean {near}:{FORMS[near]}?" if near else ""
    forms = ", ".join(f"{kind}:{rest}" for kind, rest in FORMS.items())
    kinds = listed([*SUFFIXES, "events.out.tfevents.*"], "or")
    return f"found {text!r};{meant} accepted: {forms}, or FILE:KEY, with a file in ${{dir}} of the kind {kinds}"


def check_path(path: str) -> None:
    """Raise ValueError in words if a path is not one in the folder of the training, or is no pattern."""
    parts = PurePosixPath(path).parts
    if path.startswith(("/", "~")) or ".." in parts:
        raise ValueError(f"found {path!r}; accepted: a path in the folder of the training, ${{dir}}, like metrics.csv")
    if "${" in path:
        raise ValueError(f"found {path!r}; write * for the part of the path that varies")
    if any("**" in part and part != "**" for part in parts):
        raise ValueError(f"found {path!r}; ** stands for whole folders, as in **/metrics.csv")
