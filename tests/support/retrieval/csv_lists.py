"""Image lists in CSV files with small images, and studies on them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.retrieval.jpegs import photographs

STUDY = """\
study: listed
primary: {primary}
config:
  data: {{name: csv, root: {root}, size: [16, 16]}}
  model: {{bn_grouping: fused}}
  loss: {{mining: batch-hard, target: item}}
  batch: {{sampling: pk, items: 2, images: 2}}
  schedule: {{steps: 0, milestones: []}}
  evaluate: {{scope: all}}
factors:
  margin: {{sets: loss.margin, levels: [0.3, 0.2]}}
design: [{{add_one: {{from: {{}}}}}}]
seeds: 2
search: {{space: {{margin: {{low: 0.1, high: 0.9}}}}, sampler: random, trials: 2, finalists: {{top: 1, seeds: 2}}}}
"""


def image_list(folder: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> Path:
    """Write a CSV list, whose first column is the path, and an image for each line."""
    lines = list(lines)
    photographs(folder, [line[0] for line in lines], (16, 16))
    path = folder / "list.csv"
    path.write_text("\n".join([",".join(columns), *map(",".join, lines)]) + "\n")
    return path


def listed_study(folder: Path, root: Path, primary: str = "top1") -> Path:
    """Write a study of two margins on a list; its networks are not trained, only tested."""
    path = folder / "listed.yaml"
    path.write_text(STUDY.format(primary=primary, root=root))
    return path
