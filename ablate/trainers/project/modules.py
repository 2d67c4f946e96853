"""The files of modules, located by their names without importing a module or its parents."""

import importlib.util
import posixpath
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ablate.filesystem import exists, is_file, is_folder

PROJECT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
"""Files and folders that the folder of a whole project has."""
INSTALLED = {"site-packages", "dist-packages"}
"""Names of folders of installed packages."""


class ImportRoot(NamedTuple):
    """A folder in which modules of the project are looked for, as Python does in those of `sys.path`."""

    folder: Path
    """Its absolute path."""
    prefix: str
    """The path from the study file's folder, or from another folder that is the same on every machine."""

    @property
    def is_installed(self) -> bool:
        """True for a folder of installed packages."""
        return not INSTALLED.isdisjoint(self.folder.parts)


class ModulePlace(NamedTuple):
    """The place of a module or package."""

    file: Path | None
    """Its code; None for a package without `__init__.py`."""
    folders: tuple[Path, ...]
    """The folders of its submodules; none for a module."""


class ModuleFinder:
    """Locates modules in the folders of a project."""

    def __init__(self, roots: Sequence[ImportRoot], only: str | None = None) -> None:
        """`roots`: the folder of the script comes first; only there, a module hides one of the standard library.

        `only`: the one top-level package of interest; None for all.
        """
        self.roots, self.only = roots, only
        self.places: dict[str, ModulePlace | None] = {}
        self.inside: dict[tuple[str, tuple[Path, ...]], ModulePlace | None] = {}

    def chain(self, module: str) -> list[ModulePlace]:
        """Return the packages on the way to a module, and the module, as far as they are there."""
        parts = module.split(".")
        chain: list[ModulePlace] = []
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            if name not in self.places:
                self.places[name] = self._top(name) if count == 1 else self.inner(parts[count - 1], chain[-1].folders)
            place = self.places[name]
            if place is None:
                break
            chain.append(place)
        return chain

    def inner(self, name: str, folders: tuple[Path, ...]) -> ModulePlace | None:
        """Return the module or package with a name without dots in the folders of a package."""
        if (name, folders) not in self.inside:
            self.inside[name, folders] = locate(name, folders)
        return self.inside[name, folders]

    def key(self, file: Path) -> str:
        """Return the name of a file in identities: its path without a part that differs between machines."""
        for folder, prefix in self.roots:
            if file.is_relative_to(folder):
                return posixpath.normpath(posixpath.join(prefix, file.relative_to(folder)))
        return file.name

    def _top(self, name: str) -> ModulePlace | None:
        if self.only not in (None, name):
            return None
        folders = [root.folder for root in self.roots]
        if name not in sys.stdlib_module_names:
            return locate(name, folders)
        place = locate(name, folders[:1])
        return place if place and place.file else None


def locate(name: str, folders: Sequence[Path]) -> ModulePlace | None:
    """Return the module or package with a name without dots in the first folder that has it, as Python does."""
    without_code: list[Path] = []
    for folder in folders:
        package = folder / name
        for file, inner in ((package / "__init__.py", (package,)), (folder / f"{name}.py", ())):
            if is_file(file):
                return ModulePlace(file, inner)
        if is_folder(package) and not exists(package / "pyvenv.cfg"):
            without_code.append(package)
    return ModulePlace(None, tuple(without_code)) if without_code else None


def find_module(module: str, folder: Path) -> Path | None:
    """Return the file of a module, without importing it or its parents; None if there is none.

    It is looked for in the project of `folder`, and then among the packages that this Python has. The file of a package
    is its `__init__.py`.
    """
    file = project_module(module, folder)
    root = None if file or not is_module_name(module) else installed_root(module)
    return file if root is None else _file(ModuleFinder([root], module.partition(".")[0]), module)


def project_module(module: str, folder: Path) -> Path | None:
    """Return the file of a module in the project of `folder`; None if there is none."""
    return _file(ModuleFinder(project_roots(folder.resolve())), module) if is_module_name(module) else None


def is_module_name(text: str) -> bool:
    """Return True for names such as `package.module`."""
    return all(part.isidentifier() for part in text.split("."))


def _file(finder: ModuleFinder, module: str) -> Path | None:
    chain = finder.chain(module)
    return chain[-1].file if len(chain) == module.count(".") + 1 else None


def installed_root(module: str) -> ImportRoot | None:
    """Return the folder that holds the installed top-level package of a module; None if there is none."""
    top = module.partition(".")[0]
    if top == "__main__":
        return None
    try:
        spec = importlib.util.find_spec(top)  # imports nothing, as a top-level name has no parents
    except (ImportError, ValueError, AttributeError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places and spec and spec.has_location and spec.origin:
        places = [spec.origin]
    return ImportRoot(Path(places[0]).absolute().parent, "") if places else None


def project_roots(folder: Path, script_root: ImportRoot | None = None) -> list[ImportRoot]:
    """Return the folders in which a study's own modules are looked for.

    They are the script's folder, the study file's, that of the whole project, and the `src/` folders of the last two.
    """
    roots = [script_root] if script_root else []
    roots += [*_with_src(folder, ""), *_with_src(*_project(folder, ""))]
    if script_root:
        roots += _with_src(*_project(*script_root))
    first: dict[Path, ImportRoot] = {}
    for root in roots:
        first.setdefault(root.folder, root)
    return list(first.values())


def _with_src(folder: Path, prefix: str) -> Iterator[ImportRoot]:
    yield ImportRoot(folder, prefix)
    if is_folder(folder / "src"):
        yield ImportRoot(folder / "src", posixpath.join(prefix, "src"))


def _project(folder: Path, prefix: str) -> tuple[Path, str]:
    """Return the nearest folder at or above `folder` that holds a whole project, with its prefix.

    It is `folder` itself if there is none. The home folder and those above it are no project.
    """
    outside = _above_projects()
    for steps, current in enumerate((folder, *folder.parents)):
        if current in outside:
            break
        if any(exists(current / mark) for mark in PROJECT_MARKS):
            return current, posixpath.normpath(posixpath.join(prefix, *[".."] * steps))
    return folder, prefix


def _above_projects() -> set[Path]:
    try:
        home = Path.home().resolve()
    except RuntimeError:
        home = Path("/")
    return {home, *home.parents}
