"""The reader of folders of runs: each run has a configuration and results, or one file with both."""

from collections.abc import Sequence
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.folders.frames import source_of
from ablate.imports.folders.names.beside import with_names, without_ensembles
from ablate.imports.folders.reading.walking import files_below
from ablate.imports.folders.run_files import RunFiles, grouped
from ablate.imports.folders.run_values import nothing_fault, sentences, values_of
from ablate.imports.source import Request, Source
from ablate.text import plural


class FolderReader:
    """Reads a folder of runs."""

    kind = "folders"

    def recognise(self, path: Path) -> str:
        """Return why a folder is one of runs."""
        if not path.is_dir():
            return ""
        try:
            return _why(path, grouped(path, files_below(path)).runs)
        except SourceError:
            return ""

    def read(self, path: Path, request: Request) -> Source:
        """Return the runs with the settings of their configurations, or of their names."""
        if not path.is_dir():
            raise SourceError(f"{path}: it is no folder; a folder of runs has a configuration and results for each run")
        found = grouped(path, files_below(path))
        read = [each for run in found.runs for each in values_of(path, run)]
        if not any(each.parts.metrics or each.parts.plain for each in read):
            raise SourceError(nothing_fault(path, [each.fault for each in read if each.fault]))
        unused = [*found.unused, *sentences(read)]
        parts, left_out = without_ensembles([each.parts for each in read])
        named, seed = with_names(parts, request)
        why = _why(path, found.runs) or "--from names this kind"
        return source_of(self.kind, why, named, [*unused, *left_out], request, seed)


def _why(path: Path, runs: Sequence[RunFiles]) -> str:
    """Return why a folder is one of runs; empty if no run has a result file."""
    done = [run for run in runs if run.results]
    if not done:
        return ""
    example = done[0].results[0][1].relative_to(path)
    have = "has" if len(done) == 1 else "have"
    return f"{plural(len(done), 'run')} below it {have} a result file, such as {example}"


reader = FolderReader()
