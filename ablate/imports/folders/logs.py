"""The reader of text logs: values by regular expressions, settings in the names of files and folders."""

from collections.abc import Sequence
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.folders.frames import source_of
from ablate.imports.folders.log_values import log_parts, notes_on, patterns_of, proposed
from ablate.imports.folders.names.beside import with_names
from ablate.imports.folders.reading.walking import files_below
from ablate.imports.folders.run_files import RunFiles, grouped
from ablate.imports.folders.run_values import ReadRun, sentences, values_of
from ablate.imports.source import Request, Source
from ablate.text import plural

LOGS = frozenset({".log", ".out"})
"""The endings of logs. A file that ends in .txt is a log only next to no other."""
_SAMPLE = 2**16


class LogReader:
    """Reads a folder of text logs, one for each run, or one log."""

    kind = "logs"

    def recognise(self, path: Path) -> str:
        """Return why a path is one of logs: all its logs have lines with numbers, and no file has results."""
        try:
            logs = _logs(path)
            if not logs or (path.is_dir() and any(run.results for run in grouped(path, files_below(path)).runs)):
                return ""
        except SourceError:
            return ""
        if not _has_labelled_number(logs[0]):
            return ""
        if path.is_file():
            return f"it ends with {path.suffix} and has lines with numbers"
        have = "is a text log" if len(logs) == 1 else "are text logs"
        return f"{plural(len(logs), 'file')} below it {have}, such as {logs[0].relative_to(path)}"

    def read(self, path: Path, request: Request) -> Source:
        """Return a run for each log with the last value that each pattern finds."""
        logs = _logs(path)
        if not logs:
            raise SourceError(f"{path}: no text log; accepted: files that end with .log, .out or .txt")
        patterns = patterns_of(request, logs)
        root = path if path.is_dir() else path.parent
        read = [log_parts(root, each, files.logs, patterns) for files, each in _runs(path, logs)]
        if not any(each.parts.metrics for each in read):
            reasons = "\n".join(each.fault for each in read[:5])
            raise SourceError(f"{path}: no log has a value:\n{reasons}")
        named, seed = with_names([each.parts for each in read], request)
        why = self.recognise(path) or "--from names this kind"
        return source_of(self.kind, why, named, [*sentences(read), *notes_on(request)], request, seed)


def _runs(path: Path, logs: Sequence[Path]) -> list[tuple[RunFiles, ReadRun]]:
    """Return the runs with the settings of their configurations, if the folder has some."""
    if path.is_file():
        files = RunFiles(path.stem, path.name, (), (), (path,))
        return [(files, each) for each in values_of(path.parent, files)]
    kept = [file for file in files_below(path) if file in set(logs) or file.suffix.lower() not in (".txt", *LOGS)]
    runs = grouped(path, kept, has_logs=True).runs
    return [(run, each) for run in runs for each in values_of(path, run)]


def _logs(path: Path) -> list[Path]:
    """Return the logs below a path: those that end with .log or .out, otherwise those that end with .txt."""
    files = [path] if path.is_file() else files_below(path) if path.is_dir() else []
    logs = [file for file in files if file.suffix.lower() in LOGS and file.stat().st_size]
    return logs or [file for file in files if file.suffix.lower() == ".txt" and file.stat().st_size]


def _has_labelled_number(log: Path) -> bool:
    return bool(proposed([log]))


reader = LogReader()
