"""Collects the files of a user's code: from patterns, from a script and the files it names, from a module."""

import os
import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ablate.filesystem import expanded, is_file, reach_fault, read_regular
from ablate.trainers.project.code_files import CodeFiles
from ablate.trainers.project.folders import nearest_name
from ablate.trainers.project.imports.walk import ImportWalk
from ablate.trainers.project.modules import (
    ImportRoot,
    ModuleFinder,
    installed_root,
    is_module_name,
    project_module,
    project_roots,
)
from ablate.trainers.project.patterns import matching_files
from ablate.trainers.project.words import CODE, mentions

WIDE = "matches files that runs may write, too, which would make results stale; list code only, such as '**/*.py'"
NOT_LISTED = "which is run, is not among them, so that no edit of it makes results stale; add it"
STUDY = [re.compile(rb"^%s:" % key, re.MULTILINE) for key in (b"study", b"trainer", b"(?:design|search)")]
"""Lines of a study file: it says by itself which results an edit makes stale."""
SETTINGS_BYTES = 1_000_000
"""The largest size of a file of settings, and of a script that is searched for names of files."""


class CodeCollector:
    """The code of one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = CodeFiles(folder)
        self.names: dict[Path, str] = {}
        """{file: its name in identities}."""
        self.faults: list[str] = []
        self.notes: dict[str, list[str]] = {}
        """{note: names of the files that it is about}; no names for a note that is a whole sentence."""

    def add_patterns(self, patterns: Sequence[str], script: Path | None, module: str | None) -> None:
        """Add the files that patterns match, and a note if the script or module itself is not among them."""
        files, faults = matching_files(self.folder, patterns)
        self.faults += [f"files: {fault}" for fault in faults]
        self.names |= {path: name for name, path in files.items() if name in patterns or not _is_study(path)}
        for pattern in patterns:
            if not pattern.strip("*/"):
                self.notes[f"files: {pattern!r} {WIDE}"] = []
        own = self.folder / script if script else project_module(module or "", self.folder)
        if patterns and own and os.path.realpath(own) not in {os.path.realpath(path) for path in self.names}:
            self.notes[f"files: {script or module}, {NOT_LISTED}"] = []

    def add_given_script(self, script: Path) -> None:
        """Add the script that a study file names, and what it imports or names."""
        script = Path(expanded(str(script)))
        path = Path(os.path.normpath(self.folder / script))
        if not is_file(path):
            near, fault = nearest_name(path), reach_fault(path)
            hint = f" ({fault})" if fault else f"; did you mean {near!r}?" if near else ""
            self.faults.append(f"there is no file {script} in {self.folder}{hint}")
            return
        is_outside = script.is_absolute() and not path.parent.resolve().is_relative_to(self.folder)
        if script.is_absolute() and not is_outside:
            path = path.parent.resolve() / path.name
        prefix = "" if is_outside else os.path.relpath(path.parent, self.folder)
        self._add_script(path, ImportRoot(path.parent, prefix))

    def add_module(self, module: str) -> None:
        """Add a module and what it imports: of the project, or of its own package if that is installed."""
        if not self._add_module_of(ModuleFinder(project_roots(self.folder)), module):
            root = installed_root(module) if is_module_name(module) else None
            top = module.partition(".")[0]
            if root is None or not self._add_module_of(ModuleFinder([root], top), module):
                self.notes[f"the module {module} is not in the project, so that no change of its code is noticed"] = []

    def add_named(self, paths: Iterable[Path]) -> None:
        """Add scripts and files of settings that a command names, by their absolute paths."""
        for path in paths:
            inside = path.parent.resolve() / path.name
            path = inside if inside.is_relative_to(self.folder) else path
            self._add_named(path, ImportRoot(path.parent, ""))

    def _add_module_of(self, finder: ModuleFinder, module: str) -> bool:
        chain = finder.chain(module)
        if len(chain) <= module.count(".") or not chain[-1].file:
            return False
        main = finder.chain(f"{module}.__main__")[len(chain) :]
        self._follow(finder, [each.file for each in (*chain, *main) if each.file])
        return True

    def _add_script(self, path: Path, root: ImportRoot) -> None:
        if path in self.names:
            return
        if self.files.source(path) is None:
            self.names[path] = posixpath.normpath(posixpath.join(root.prefix, path.name))
            if self.files.facts(path) is not None:
                self._add_mentions(path, root)
            return
        target = path.resolve().parent  # Python looks for modules next to the file that a link leads to
        near = ImportRoot(target, os.path.relpath(target, self.folder) if target.is_relative_to(self.folder) else "")
        roots = [root] if target == root.folder else [near, root]
        self._follow(ModuleFinder([*roots[:-1], *project_roots(self.folder, root)]), [path])

    def _follow(self, finder: ModuleFinder, starts: Iterable[Path]) -> None:
        walk = ImportWalk(finder, self.folder, self.files.source)
        walk.follow(starts)
        self.names |= {path: walk.finder.key(path) for path in walk.files if path not in self.names}
        for name, note in walk.notes:
            self.notes.setdefault(note, []).append(name)

    def _add_mentions(self, path: Path, root: ImportRoot) -> None:
        """Add the scripts, settings and modules that a script in another language names."""
        if path.suffix == ".ipynb" or path.stat().st_size > SETTINGS_BYTES:
            return
        others = mentions(read_regular(path), [self.folder, root.folder])
        for inner in others.files:
            self._add_named(inner, root)
        for module in others.modules:
            self._add_module_of(ModuleFinder(project_roots(self.folder)), module)

    def _add_named(self, path: Path, root: ImportRoot) -> None:
        """Add a script or a file of settings. `root`: the folder that its name begins with if it is outside."""
        near = ImportRoot(self.folder, "") if path.is_relative_to(self.folder) else root
        prefix = posixpath.join(near.prefix, os.path.relpath(path.parent, near.folder))
        own = ImportRoot(path.parent, posixpath.normpath(prefix))
        if path.suffix in CODE:
            self._add_script(path, own)
        else:
            self.names.setdefault(path, posixpath.normpath(posixpath.join(own.prefix, path.name)))


def _is_study(path: Path) -> bool:
    """Return True for a study file."""
    if path.suffix not in (".yaml", ".yml"):
        return False
    try:
        content = read_regular(path)
    except OSError:
        return False
    return all(line.search(content) for line in STUDY)
