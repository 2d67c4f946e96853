"""Importing the results of other programs as a study."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_write
from ablate.errors import AblateError, SourceError
from ablate.filesystem import expanded, open_regular
from ablate.imports.kinds import recognise
from ablate.imports.questions import OpenQuestionError
from ablate.imports.source import Request
from ablate.imports.understanding.study import ImportedStudy, understand
from ablate.store.imported.study import SavedStudy, save_study
from ablate.study.starting.targets import slug

ANY = Request()
LOG = "log"
"""The kind of an experiment log, which `ablate.api.log_import` reads."""
LOG_BEGINNINGS = ("# setting", "# study")
"""The first line of an experiment log."""
LONGEST_BEGINNING = 4096
"""Bytes of a file that are looked at for that line."""


@dataclass(frozen=True)
class ImportedResults:
    """A study that was imported."""

    study: str
    """Its name in the store."""
    understood: ImportedStudy
    saved: SavedStudy


def read_results(path: Path | str, request: Request = ANY, *, kind: str = "") -> ImportedStudy:
    """Return the results at a path as a study, without storing them.

    `kind`: the kind of the source, such as "table"; empty to recognise it. Raises SourceError with what to change if
    the source cannot be read, or if it can be understood in several ways that lead to other verdicts.
    """
    found = Path(expanded(str(path)))
    try:
        reader = recognise(found, kind).reader
        return understand(reader.read(found, request), request)
    except OpenQuestionError as error:
        raise OpenQuestionError(_placed(str(path), error), error.question) from None
    except SourceError as error:
        raise SourceError(_placed(str(path), error)) from None


def import_results(
    path: Path | str,
    study: str = "",
    store: StoreOrUrl = DEFAULT_STORE,
    request: Request = ANY,
    *,
    kind: str = "",
    replace: bool = False,
) -> ImportedResults:
    """Save the results at a path as a study of this name; by default its name is made from the path.

    A second import of the same source adds nothing, and one of a source that has grown adds the new runs. `replace`:
    take the place of results of another source with this name. Raises what `read_results` raises, and StoreError if
    the name belongs to another source or to a study that was run.
    """
    understood = read_results(path, request, kind=kind)
    return save_results(path, understood, study, store, replace=replace)


def save_results(
    path: Path | str,
    understood: ImportedStudy,
    study: str = "",
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    replace: bool = False,
) -> ImportedResults:
    """Save results that `read_results` has read from a path, as `import_results` does."""
    name = study_name(path, study)
    source = str(Path(expanded(str(path))).resolve())
    with store_to_write(store).write(alone=True) as connection:
        saved = save_study(connection, name, understood, source, replace_other=replace)
    return ImportedResults(name, understood, saved)


def study_name(path: Path | str, study: str = "") -> str:
    """Return the name of an imported study, by default made from the path; AblateError if it cannot be one."""
    name = study or slug(Path(expanded(str(path))).resolve().stem)
    if name != slug(name):
        raise AblateError(f"--study: found {name!r}; accepted: small letters, digits and dashes, like {slug(name)}")
    return name


def is_log(path: Path | str, kind: str = "") -> bool:
    """Return True if a path is to be imported as an experiment log: by its kind, or by its first line."""
    if kind:
        return kind == LOG
    try:
        with open_regular(Path(expanded(str(path)))) as file:
            begin = file.read(LONGEST_BEGINNING)
    except OSError:
        return False
    lines = begin.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    return first in LOG_BEGINNINGS


def _placed(path: str, error: SourceError) -> str:
    """Return the message of a fault with the path before each line that names neither the path nor an option."""
    lines = str(error).splitlines()
    return "\n".join(line if line.startswith((path, "--")) else f"{path}: {line}" for line in lines)
