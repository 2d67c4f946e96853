"""Studies with four factors and a design: the labels of their rows."""

from pathlib import Path

from ablate.study.model import Study
from tests.support.study_text import read

HEAD = """\
study: demo
trainer: simulated
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [off, on]}
  c: {sets: settings.c, levels: [0.3, 0.2, 0.1]}
  d: {sets: [settings.d, settings.e], levels: {full: [1, [2]], half: [3, null]}}
  single: {sets: settings.single, levels: [only]}
"""


def labels(study: Study) -> list[str]:
    """Return the labels of the rows, in order."""
    return [row.label for row in study.rows]


def rows(tmp_path: Path, rest: str, head: str = HEAD) -> list[str]:
    """Return the labels of the rows of a study with these factors and the rest of the text."""
    return labels(read(tmp_path, head + rest))
