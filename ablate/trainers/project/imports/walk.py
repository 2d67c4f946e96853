"""The files of a project that a Python script or module imports, directly or through others."""

import glob
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ablate.filesystem import is_file
from ablate.trainers.project.imports.added_paths import ABSOLUTE, OF_FILE
from ablate.trainers.project.imports.source import SourceFacts
from ablate.trainers.project.imports.statement import ImportOf
from ablate.trainers.project.modules import ImportRoot, ModuleFinder, ModulePlace

MOST_FILES, MOST_OF_LIBRARY = 5_000, 500
"""Files of a project that count, and those of an installed package. Large libraries have thousands, and versions."""
TOO_MANY = "imports more than {:,} files, and only these count; list the code that may change in `files:`"
ROUNDS = 5
"""The largest number of walks: a folder that a file adds to `sys.path` may hold a file that adds another one."""


class ImportWalk:
    """Follows imports. Nothing is imported: each file is read as text."""

    def __init__(self, finder: ModuleFinder, folder: Path, facts: Callable[[Path], SourceFacts | None]) -> None:
        """`folder`: the working directory. `facts`: returns the facts about a file; None if it cannot be read."""
        self.finder, self.folder, self.facts = finder, folder, facts
        self.is_library = finder.only is not None and any(root.is_installed for root in finder.roots)
        self.files: list[Path] = []
        self.notes: list[tuple[str, str]] = []

    def follow(self, starts: Iterable[Path]) -> None:
        """Collect files and all that they import from the project, and notes: (name of a file, note)."""
        first = list(starts)
        for _ in range(ROUNDS):
            self._walk(first)
            roots = {root.folder for root in self.finder.roots}
            added = [root for root in self._added() if root.folder not in roots and not root.is_installed]
            if not added:
                return
            self.finder = ModuleFinder([*self.finder.roots, *dict.fromkeys(added)], self.finder.only)

    def _walk(self, starts: Iterable[Path]) -> None:
        files, self.notes = dict.fromkeys(starts), []
        most = MOST_OF_LIBRARY if self.is_library else MOST_FILES
        waiting = list(files)
        for file in waiting:  # grows on the way
            facts = self.facts(file)
            name = self.finder.key(file)
            if len(files) >= most:
                self.notes.append((name, TOO_MANY.format(most)))
                break
            self._add_notes(name, facts.notes if facts else ())
            for each in facts.imports if facts else ():
                new = [target for target in self._targets(file, name, each) if target not in files]
                files |= dict.fromkeys(new)
                waiting += dict.fromkeys(new)
        self.files = list(files)

    def _add_notes(self, name: str, notes: Iterable[str]) -> None:
        """Add notes about a file, unless it is one of an installed package: no user can list its files."""
        self.notes += [] if self.is_library else [(name, note) for note in notes]

    def _targets(self, file: Path, name: str, each: ImportOf) -> Iterator[Path]:
        """Yield the files that run for an import: packages on the way, the module, and modules taken from it."""
        chain = self._relative(file, each) if each.level else self.finder.chain(each.module)
        is_whole = len(chain) == bool(each.level) + len(each.module.split(".") if each.module else ())
        if not is_whole and not each.level and not any(module.file for module in chain):
            return  # no module of the project: at most a folder without code has the name of a library
        inner = [self.finder.inner(taken, chain[-1].folders) for taken in each.names] if is_whole else []
        is_whole &= not each.level or chain[-1].file is not None or all(inner)
        if not is_whole and not each.is_optional:
            self._add_notes(name, [_missing(each, chain)])
        yield from (module.file for module in (*chain, *inner) if module and module.file)

    def _relative(self, file: Path, each: ImportOf) -> list[ModulePlace]:
        """Return the package that a relative import begins from, and the modules on the way from there."""
        package = file.parents[min(each.level, len(file.parents)) - 1]
        code = package / "__init__.py"
        chain = [ModulePlace(code if is_file(code) else None, (package,))]
        for part in each.module.split(".") if each.module else ():
            module = self.finder.inner(part, chain[-1].folders)
            if module is None:
                break
            chain.append(module)
        return chain

    def _added(self) -> Iterator[ImportRoot]:
        """Yield the folders that the files add to `sys.path`."""
        for file in self.files:
            facts = self.facts(file)
            for base, path in facts.added if facts else ():
                begin = file.parent if base == OF_FILE else self.folder
                prefix = f"{self.finder.key(file)}/../{path}" if base == OF_FILE else path
                folder = Path(posixpath.normpath(begin / path))
                yield ImportRoot(folder, "" if base == ABSOLUTE else posixpath.normpath(prefix))


def _missing(each: ImportOf, chain: Sequence[ModulePlace]) -> str:
    """Return the note on an import of a module that is not there as Python code. `chain`: the packages that are."""
    parts = [*(each.module.split(".") if each.module else ()), *each.names]
    name = parts[min(len(chain) - bool(each.level), len(parts) - 1)]
    compiled = next((file for folder in chain[-1].folders for file in folder.glob(f"{glob.escape(name)}.*")), None)
    if compiled:
        return f"imports {compiled.name}, which is no Python code; list all files of the code in `files:`"
    return f"has `{each}`, and the project has no such file"
