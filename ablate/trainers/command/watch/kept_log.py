"""The output of a script whose file the script removes: scripts empty their folder before they write into it."""

import contextlib
import os
import shutil
from pathlib import Path

from ablate.filesystem import stat_or_none


def restore(file: int, log: Path) -> None:
    """Write the content of an open file to its path again if another process has removed it there.

    `file`: the file descriptor, open for writing. Nothing is done if the system does not let it be read (no /proc), or
    if the path cannot be written.
    """
    its = stat_or_none(log)
    if its is not None and os.path.samestat(its, os.fstat(file)):
        return
    with contextlib.suppress(OSError), open(f"/proc/self/fd/{file}", "rb") as content:  # noqa: PTH123
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as target:
            shutil.copyfileobj(content, target)
