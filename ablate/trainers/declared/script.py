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

GRACE_SECONDS = 10.0
"""Seconds between SIGTERM and SIGKILL for a script that must end."""
REMEDIES = {
    errno.E2BIG: "an argument may have 128 kB; give large values in a file: ${config.json}",
    errno.EACCES: "make it executable (chmod +x), or put its interpreter in front of it, as in [bash, train.sh]",
    errno.ENOEXEC: "put its interpreter in front of it, as in [bash, train.sh], or in its first line, as #!/bin/bash",
    errno.ENOSPC: "make room on the disk, then run it again by --retry-failed",
    errno.EDQUOT: "make room on the disk, then run it again by --retry-failed",
}
"""{error of the system: what to do if a script cannot be started for it}."""
NO_INTERPRETER = "it is there, but the interpreter in its first line is not; correct that line"


def run_script(
    entry: "DeclaredEntry",
    attempt: Attempt,
    command: Sequence[str],
    progress: Callable[[Progress], None],
    stopping: Callable[[], bool],
    channel: Channel | None = None,
) -> ProcessEnd:
    """Run a command until it ends or is ended.

    AblateError if it cannot be started, and Outdated if its code or data have changed since the trials were planned.
    """
    if entry.planned:
        entry.planned.check()
    end = _run(entry, attempt, command, progress, stopping, channel)
    if entry.planned:
        entry.planned.check_since(attempt.began)
    return end


def _run(
    entry: "DeclaredEntry",
    attempt: Attempt,
    command: Sequence[str],
    progress: Callable[[Progress], None],
    stopping: Callable[[], bool],
    channel: Channel | None,
) -> ProcessEnd:
    spec = entry.spec
    memory = attempt.runtime.get("memory")
    limits = ProcessLimits(spec.timeout, attempt.runtime["stall_seconds"], memory, GRACE_SECONDS)
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
            inherited_fds=[attempt.lock] if attempt.lock is not None else [],
        )
    except OSError as error:
        name = error.filename or command[0]
        remedy = NO_INTERPRETER if (attempt.cwd / name).is_file() else ""
        remedy = REMEDIES.get(error.errno or 0, remedy if error.errno == errno.ENOENT else "")
        words = f"{name}: {error.strerror or error}{remedy and '; '}{remedy}"
        raise AblateError(f"the script cannot be started: {words}") from None
