"""The modules of a project that a script imports, read without running them."""

from collections.abc import Iterator
from pathlib import Path

from ablate.errors import AblateError
from ablate.study.starting.scanning.source import PythonSource, read_source
from ablate.trainers.project.modules import ModuleFinder, project_roots

MOST = 30
"""Files that are read."""


def project_sources(source: PythonSource) -> list[PythonSource]:
    """Return a script, the modules of its project that it imports, and those that these import."""
    finder = ModuleFinder(project_roots(source.path.absolute().parent))
    sources = {source.path.resolve(): source}
    waiting = [source]
    while waiting and len(sources) < MOST:
        for path in _modules(waiting.pop(0), finder):
            if path.resolve() not in sources and len(sources) < MOST and (module := _read(path)):
                sources[path.resolve()] = module
                waiting.append(module)
    return list(sources.values())


def _modules(source: PythonSource, finder: ModuleFinder) -> Iterator[Path]:
    for name in sorted(source.imported):
        yield from (located.file for located in finder.chain(name) if located.file is not None)


def _read(path: Path) -> PythonSource | None:
    try:
        return read_source(path)
    except AblateError:
        return None
