"""Runs the process of an attempt until it ends or is ended."""

import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ablate.errors import AblateError
from ablate.trainers.command.process import Channel, ProcessEnd, ProcessLimits, run_process
from ablate.trainers.declared.attempt import Attempt
from ablate.trainers.protocol import Progress

if TYPE_CHECKING:
    from ablate.trainers.declared.entry import DeclaredEntry

REMEDIES = {
    errno.E2BIG: "an argument may have 128 kB; give large values in a file: ${config.json}",
    errno.EACCES: "make it executable (chmod +x), or put its interpreter in front of it, as in [bash, train.sh]",
    errno.ENOEXEC: "put its interpreter in front of it, as in [bash, train.sh], or in its first line, as #!/bin/bash",
    errno.ENOSPC: "make room on the disk, then run it again by --retry-failed",
    errno.EDQUOT: "make room on the disk, then run it again by --retry-failed",
}
"""{error of the system: what to do if a script cannot be started for it}."""


def run_script(
    entry: "DeclaredEntry",
    attempt: Attempt,
    command: Sequence[str],
    progress: Callable[[Progress], None],
    stopping: Callable[[], bool],
    channel: Channel | None = None,
) -> ProcessEnd:
    """Run a command until it ends or is ended; ScriptError if it cannot be started."""
    spec = entry.declaration
    memory = attempt.runtime.get("memory")
    limits = ProcessLimits(spec.timeout, attempt.runtime["stall_seconds"], memory)
    try:
        return run_process(
            command,
            cwd=attempt.cwd,
            environment=attempt.environment(),
            log=attempt.log,
            watched=attempt.folder,
            limits=limits,
            stopping=stopping,
            on_sign=lambda: progress(Progress(0, 0)),
            channel=channel,
        )
    except OSError as error:
        name = error.filename or command[0]
        remedy = f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
        raise AblateError(f"the script cannot be started: {name}: {error.strerror or error}{remedy}") from None
