"""Files that every training writes under the same name: trials that run at the same time overwrite them."""

from collections.abc import Iterator, Sequence

from ablate.run.checking.remark import Remark
from ablate.run.checking.row_run import RowRun
from ablate.text import listed_in_part

MOST_FILES = 3
"""Files that a sentence names."""


def overwritten_remarks(runs: Sequence[RowRun], is_read: bool) -> Iterator[Remark]:
    """Yield a sentence about the files that every training of a script changes in its working directory.

    `is_read`: True if a metric is read from a file, so that this is a fault.
    """
    changed = [run.changed for run in runs if run.is_done]
    if len(changed) > 1 and (files := sorted(frozenset.intersection(*changed))):
        yield Remark(
            f"each training writes {listed_in_part(files, MOST_FILES)} in the working directory, so trials that run at "
            'the same time overwrite each other\'s files; let the script write to ${dir}, or set `cwd: "${dir}"` in '
            "the trainer",
            is_fault=is_read,
        )
