"""The targets of `ablate init`: a script, a function, images, or a list of images, and the first study of each."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import AblateError, nearest
from ablate.filesystem import expanded, is_file, is_folder
from ablate.study.starting.draft import study_text
from ablate.study.starting.function_study import function_draft
from ablate.study.starting.script_study import script_draft
from ablate.study.starting.shell_study import other_script_draft
from ablate.text import listed_in_part
from ablate.trainers.entry import FirstStudy
from ablate.trainers.project.modules import find_module
from ablate.trainers.registry import TRAINERS

FUNCTION = re.compile(
    r"(?P<file>.+\.py):(?P<of_file>[A-Za-z_]\w*)|(?P<module>[A-Za-z_][\w.]*):(?P<of_module>[A-Za-z_]\w*)"
)
FORMS = "a Python script like train.py, a function like train.py:main, a shell script, or a folder of images"
TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".parquet", ".feather", ".json", ".jsonl")
STUDIES = (".yaml", ".yml")
NOTEBOOK = ".ipynb"
USUAL_NAMES = ("main", "train", "run", "fit", "train_and_evaluate")
"""Names of functions that say nothing about a study."""
MOST_NAMED = 8


@dataclass(frozen=True)
class InitTarget:
    """The thing that a first study is about."""

    path: Path
    """The script, the file of the function, or the data."""
    folder: Path
    """The folder of the study file, if no other one is given."""
    reference: str = ""
    """The function, as `FILE.py:NAME` or `PACKAGE.MODULE:NAME`; empty for a target that is no function."""

    @property
    def function(self) -> str:
        """The name of the function; empty for a target that is no function."""
        return self.reference.rpartition(":")[2]

    @property
    def study(self) -> str:
        """A name for the study."""
        word = self.path.name if is_folder(self.path) else self.path.stem
        return slug(word if self.function in ("", *USUAL_NAMES) else self.function)


def read_target(text: str) -> InitTarget:
    """Return the target that a text means; AblateError if there is none."""
    path = Path(expanded(text))
    if is_folder(path):
        return InitTarget(path, path.parent if path.name not in ("", "..") else path.absolute().parent)
    if is_file(path):
        return InitTarget(path, path.parent)
    if parts := FUNCTION.fullmatch(text):
        file = Path(expanded(parts["file"])) if parts["file"] else _module_file(parts["module"], text)
        if not is_file(file):
            raise AblateError(_missing(file))
        return InitTarget(file, file.parent if parts["file"] else Path(), text)
    raise AblateError(_missing(path))


def first_study(target: InitTarget, study: str, path: Path) -> FirstStudy:
    """Return the first study of a target. `path`: that of the study file; a list of images lies next to it.

    AblateError if the target cannot be read, or is none of FORMS.
    """
    folder = path.absolute().parent
    if of_data := _study_of_data(target.path, study, folder / list_name(target)):
        return of_data
    if fault := _fault(target.path):
        raise AblateError(f"{target.path}: {fault}")
    if target.function:
        draft = function_draft(target.path, target.function, target.reference, study, folder)
    elif target.path.suffix.lower() == ".py" or _is_python(target.path):
        draft = script_draft(target.path, study, folder)
    else:
        draft = other_script_draft(target.path, study, folder)
    return FirstStudy(study_text(draft), draft.notes, draft.to_do, is_own_code=True)


def _fault(path: Path) -> str | None:
    """Return the reason why a file or folder cannot become a study; None for a script."""
    kind = path.suffix.lower()
    if is_folder(path):
        scripts = sorted(file.name for file in path.glob("*.py"))
        remedy = f"give one of its scripts: {listed_in_part(scripts, MOST_NAMED)}" if scripts else f"give {FORMS}"
        return f"is a folder without images; {remedy}"
    if kind in TABLES:
        return (
            f"looks like a table of results: `ablate import {shlex.quote(str(path))}` reads it as a study; a list of "
            "images has the columns path, item and split (docs/data-sets.md)"
        )
    if kind in STUDIES:
        return f"is a YAML file; `ablate plan {shlex.quote(str(path))}` reads study files; give {FORMS}"
    if kind == NOTEBOOK:
        command = f"jupyter nbconvert --to script {shlex.quote(str(path))}"
        return f"is a notebook, which cannot be run with other settings; save it as a script first: `{command}`"
    return None


def list_name(target: InitTarget) -> str:
    """Return the name of the list that a folder of images needs."""
    return f"{target.path.absolute().name}.csv"


def slug(text: str) -> str:
    """Return text as the name of a study: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "study"


def _study_of_data(data: Path, study: str, list_path: Path) -> FirstStudy | None:
    """Return the first study of the first trainer that reads a file or folder; None if none does."""
    studies = (trainer.first_study(data.absolute(), study, list_path) for trainer in TRAINERS.values())
    return next((each for each in studies if each is not None), None)


def _is_python(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(200)
    return first.startswith(b"#!") and b"python" in first


def _module_file(module: str, text: str) -> Path:
    """Return the file of a module, without importing it."""
    file = find_module(module, Path.cwd())
    if file is None:
        raise AblateError(
            f"{text}: there is no module {module} in this project, nor an installed one; give the file instead, "
            "as in train.py:main, or start in the folder of the project"
        )
    return file


def _missing(path: Path) -> str:
    """Return the fault of a path that is not there."""
    try:
        names = sorted(file.name for file in path.parent.iterdir()) if is_folder(path.parent) else []
    except OSError:
        names = []
    near = nearest(path.name, names)
    meant = f" did you mean {path.parent / near}?" if near else ""
    place = "" if path.is_absolute() else f" in {Path.cwd()}"
    return f"{path}: no such file or folder{place};{meant} give {FORMS}"
