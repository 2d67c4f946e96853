"""The ends of a user's script: done, diverged, failed with a reason and a remedy, or to be queued again."""

import re
from collections.abc import Sequence
from pathlib import Path

from ablate.errors import AblateError
from ablate.filesystem import stat_or_none
from ablate.text import listed
from ablate.trainers.command.process import EndedBy, ProcessEnd
from ablate.trainers.declared.attempt import Attempt
from ablate.trainers.declared.reasons import with_log
from ablate.trainers.declared.spec import DeclaredSpec
from ablate.trainers.measuring.files import OWN
from ablate.trainers.measuring.reader import Readings
from ablate.trainers.protocol import Lost, Stopped

SAVED = 75
"""The exit code of a script that has saved its state and wants to be queued again: EX_TEMPFAIL of sysexits.h."""
LAST_LINES = 50
"""Lines of output that are kept with a failure."""
TAIL_BYTES = 64 * 1024
"""Bytes of the end of a log in which the last lines are searched."""
LONGEST_LINE = 500
"""Letters that are kept of a line of output."""
MEMORY = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|OutOfMemoryError|^MemoryError|Cannot allocate memory|"
    r"std::bad_alloc|can't allocate memory|RESOURCE_EXHAUSTED|Unable to allocate .* for an array",
    re.MULTILINE,
)
"""The words of libraries for memory that is not there."""
KILL = 9
FROM_OUTSIDE = {KILL: "SIGKILL", 15: "SIGTERM", 1: "SIGHUP", 2: "SIGINT"}
"""{number: name} of signals that come from other programs or users."""
SIGNALS = {6: "SIGABRT", 11: "SIGSEGV", 7: "SIGBUS", 8: "SIGFPE", 4: "SIGILL"}
CRASHED = "in compiled code, such as that of a library; of a Python script, the end of its log names the line"
"""The words about a signal by which a script has ended itself. `Attempt.environment` requests the traceback."""
NO_ROOM = re.compile("No space left on device|Disk quota exceeded|ENOSPC|EDQUOT")
"""The words of systems and libraries for a disk that is full."""


class ScriptError(AblateError):
    """A script that gave no result. `output` has the last lines of its output."""

    def __init__(self, reason: str, attempt: Attempt) -> None:
        self.output = last_output(attempt.log)
        super().__init__(with_log(reason, str(attempt.log)))


def check_end(end: ProcessEnd, attempt: Attempt, spec: DeclaredSpec) -> None:
    """Raise the exception for a script that did not end with exit code 0.

    ScriptError for a failure; Stopped or Lost if it is queued again.
    """
    if end.ended_by is EndedBy.STOP:
        raise Stopped("by request")
    if reason := _limit_reason(end, attempt, spec):
        raise ScriptError(reason, attempt)
    if end.exit_code == SAVED:
        _check_saved(attempt)
        raise Stopped(with_log(f"with exit code {SAVED}: it has saved its state", str(attempt.log)))
    if end.exit_code != 0:
        raise _failure(end, attempt)


def _limit_reason(end: ProcessEnd, attempt: Attempt, spec: DeclaredSpec) -> str:
    """Return the reason why a script was ended, and what to do; nothing if it ended by itself."""
    stall_seconds = attempt.runtime["stall_seconds"]
    reasons = {
        EndedBy.TIMEOUT: f"no result within {_duration(spec.timeout)}, so the script was ended; give it more time by "
        "`timeout:` of the trainer, or less to do",
        EndedBy.STALL: f"{spec.silence} for {_duration(stall_seconds)}, so the script was taken for hung and ended; "
        f"if it works in silence, write `runtime: {{stall_seconds: {4 * stall_seconds:g}}}`",
        EndedBy.MEMORY: f"out of memory: the script used more than {_size(attempt.runtime.get('memory'))}, so it was "
        "ended; allow more by `runtime: {memory: ...}`, or use a smaller batch or model",
    }
    return reasons.get(end.ended_by, "")


def _failure(end: ProcessEnd, attempt: Attempt) -> Exception:
    """Return the exception for an exit code or a signal."""
    signal = -end.exit_code
    if end.memory_kills and signal == KILL:
        remedy = "run fewer workers, or use a smaller batch or model"
        return ScriptError(f"out of memory: the system killed the script; {remedy}", attempt)
    if signal in FROM_OUTSIDE:
        hint = "; perhaps the machine ran out of memory" if signal == KILL else ""
        return Lost(with_log(f"the script was killed by {FROM_OUTSIDE[signal]}{hint}", str(attempt.log)))
    lines = last_output(attempt.log).splitlines()
    if line := next((line for line in reversed(lines) if MEMORY.search(line)), None):
        remedy = "use a smaller batch or model, or fewer trials on one GPU"
        return ScriptError(f"out of memory: {line.strip()}; {remedy}", attempt)
    if line := next((line for line in reversed(lines) if NO_ROOM.search(line)), None):
        return ScriptError(f"a disk is full: {line.strip()}; make room, then run it again by --retry-failed", attempt)
    if signal > 0:
        return ScriptError(f"the script crashed by {SIGNALS.get(signal, f'signal {signal}')}, {CRASHED}", attempt)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
    return ScriptError(f"exit code {end.exit_code}: {last}", attempt)


def _check_saved(attempt: Attempt) -> None:
    """Raise ScriptError if a script that wants to be queued again has saved nothing: it would run for ever."""
    own = {attempt.log, attempt.result}
    for path in attempt.folder.rglob("*"):
        is_own = path in own or path.name.startswith(OWN)
        if not is_own and path.is_file() and path.stat().st_mtime >= attempt.began - 1:
            return
    raise ScriptError(
        f"exit code {SAVED} requests another attempt, but no file in {attempt.folder} was changed, so the next attempt "
        "would begin from the same state; save the state in ${dir} before",
        attempt,
    )


def check_readings(readings: Readings, attempt: Attempt) -> None:
    """Raise ScriptError if a declared metric is missing."""
    if not readings.missing:
        return
    one, *more = readings.missing.values()
    reasons = "; ".join(f"{name}: {reason}" for name, reason in readings.missing.items()) if more else one
    status = stat_or_none(attempt.log)
    silence = "" if readings.seen or (status and status.st_size) else "; the script printed nothing"
    remedy = "; `ablate check` lists the numbers that it gives, and how to read each" if readings.seen else ""
    missing = _metrics(list(readings.missing))
    raise ScriptError(f"exit code 0, but {missing} missing: {reasons}{silence}{remedy}", attempt)


def last_output(log: Path) -> str:
    """Return the last lines of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines: Sequence[str] = text.replace("\r\n", "\n").split("\n")
    shown = [line.rpartition("\r")[2][:LONGEST_LINE] for line in lines]  # of a progress bar, its last state
    return "\n".join(shown[-LAST_LINES - 1 :]).strip("\n")


def _metrics(names: Sequence[str]) -> str:
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'}"


def _size(memory: int | None) -> str:
    """Return a number of bytes in the unit that fits."""
    value = memory or 0
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if value >= length:
            return f"{value / length:g} {unit}"
    return f"{value} B"


def _duration(seconds: float | None) -> str:
    """Return a time in the unit that fits."""
    value = seconds or 0.0
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if value >= length:
            return f"{value / length:g} {unit}"
    return f"{value:g} s"
