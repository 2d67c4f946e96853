"""Writing a first study file for a script, a function, images, a list of images, or an imported study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_read
from ablate.errors import AblateError, StudyError
from ablate.filesystem import exists, expanded, is_folder
from ablate.study.reading.study_reader import read_study
from ablate.study.starting.targets import first_study, list_name, read_target, slug

FILE = "study.yaml"
"""The name of a first study file, unless the study gets a name."""


@dataclass(frozen=True)
class StudyStart:
    """A first study file that was written."""

    path: Path
    list_path: Path | None
    """The list of images that was written next to it; None if none was needed."""
    notes: Sequence[str]
    """The guesses and their reasons, a sentence each."""
    to_do: Sequence[str]
    """The work that is left to the user before the study can run, a sentence each."""
    faults: Sequence[str]
    """The faults of the file as it was read back."""
    is_own_code: bool
    """True if trials run code of the user's, so that `ablate check` has something to check."""


def init_study(
    target: str, output: Path | str | None = None, *, name: str | None = None, force: bool = False
) -> StudyStart:
    """Write a first study file for a target, which is read and never imported or run.

    `target`: a script, `FILE.py:FUNCTION`, `PACKAGE.MODULE:FUNCTION`, a folder with a folder of images for each class,
    or a list of images. `output`: the study file; default: study.yaml, or NAME.yaml, in the folder of the target.
    `name`: the name of the study. `force`: take the place of a file that is there.

    Raises AblateError if the target is missing or cannot be used, and if the file is there.
    """
    _check_study_name(name)
    chosen = read_target(target)
    file = f"{name}.yaml" if name else FILE
    path = chosen.folder / file if output is None else Path(expanded(str(output)))
    path = path / file if is_folder(path) else path
    first = first_study(chosen, name or chosen.study, path)
    list_path = path.parent / list_name(chosen) if first.list_text is not None else None
    _check_free([path, *([list_path] if list_path else [])], force)
    if list_path is not None:
        _write(list_path, first.list_text or "")
    _write(path, first.text)
    return StudyStart(path, list_path, first.notes, first.to_do, _faults(path), first.is_own_code)


def init_from_import(
    study: str,
    store: StoreOrUrl = DEFAULT_STORE,
    output: Path | str | None = None,
    *,
    name: str | None = None,
    force: bool = False,
) -> StudyStart:
    """Write a study file from an imported study, so that rows and seeds that it lacks can be run.

    `study`: its name in the store. `output`: the study file; default: NAME.yaml in the working folder. `name`: the name
    of the new study; default: that of the import with `-runs` behind it, as one name cannot have both. `force`: take
    the place of a file that is there.

    Raises AblateError if there is no such study, if it was not imported, and if the file is there.
    """
    from ablate.exports.study_file import imported_study_file
    from ablate.store import plans

    _check_study_name(name)
    opened = store_to_read(store)
    with opened.read() as connection:
        chosen = plans.choose(connection, study, None, opened.url)
        plan = plans.read_plan(connection, chosen.study, chosen.profile)
    if not plan.imported:
        raise AblateError(f"--from-import {study}: was run, not imported; its study file is {plan.document.file}")
    new = name or f"{study}-runs"
    path = Path(f"{new}.yaml") if output is None else Path(expanded(str(output)))
    path = path / f"{new}.yaml" if is_folder(path) else path
    _check_free([path], force)
    file = imported_study_file(plan, new)
    _write(path, file.text)
    return StudyStart(path, None, file.notes, file.to_do, _faults(path), is_own_code=False)


def _check_study_name(name: str | None) -> None:
    if name is not None and name != slug(name):
        raise AblateError(f"--name: found {name!r}; accepted: small letters, digits and dashes, like {slug(name)}")


def _check_free(paths: Sequence[Path], force: bool) -> None:
    for path in paths:
        if exists(path) and not force:
            raise AblateError(f"{path}: is there already; --force replaces it, and --output writes to another path")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AblateError(f"{path}: cannot be written: {error.strerror}") from None


def _faults(path: Path) -> Sequence[str]:
    """Return the faults of a file that was written."""
    try:
        read_study(path)
    except StudyError as error:
        return error.faults
    return ()
