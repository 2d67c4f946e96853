"""The reader of Hydra's folders: a multirun with a folder for each job, or the outputs of single runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.folders.frames import source_of
from ablate.imports.folders.hydra_groups import with_choices
from ablate.imports.folders.log_values import log_parts
from ablate.imports.folders.names.forms import typed
from ablate.imports.folders.reading.documents import cells, read_document, read_mapping
from ablate.imports.folders.reading.named_files import RESULT, named_file
from ablate.imports.folders.reading.walking import files_below
from ablate.imports.folders.run_files import RunFiles, grouped
from ablate.imports.folders.run_values import HAS_FAILED, STILL_RUNNING, ReadRun, nothing_fault, sentences, values_of
from ablate.imports.source import FAILED, RUNNING, Cell, Request, Source
from ablate.text import plural
from ablate.trainers.measuring.takes import NoValueError

OUTPUT = ".hydra"
"""The folder of each job in which Hydra writes its configuration."""
MULTIRUN = "multirun.yaml"
EVENTS = "tfevents"
"""A part of the name of each event file of TensorBoard."""


@dataclass(frozen=True)
class HydraJob:
    """One job of Hydra."""

    folder: Path
    files: RunFiles
    """Its files without those of Hydra."""


class HydraReader:
    """Reads the jobs of a multirun, or single runs. The value that a job's function returns is saved nowhere."""

    kind = "hydra"

    def recognise(self, path: Path) -> str:
        """Return why a folder is Hydra's: it has multirun.yaml, or jobs with the folder .hydra.

        If the jobs wrote their values to event files of TensorBoard only, the folder is left to the reader of those.
        """
        if not path.is_dir():
            return ""
        try:
            files = files_below(path)
        except SourceError:
            return ""
        jobs = _job_folders(files)
        has_events = any(EVENTS in file.name for file in files)
        if not jobs or (has_events and not any(named_file(file, path).role == RESULT for file in files)):
            return ""
        multirun = f"it has {MULTIRUN}, and " if (path / MULTIRUN).is_file() else ""
        have = "has" if len(jobs) == 1 else "have"
        return f"{multirun}{plural(len(jobs), 'folder')} of jobs {have} {OUTPUT}/config.yaml or {OUTPUT}/overrides.yaml"

    def read(self, path: Path, request: Request) -> Source:
        """Return the jobs with their configurations, the options of groups, and the results that they wrote."""
        jobs = _jobs(path) if path.is_dir() else []
        if not jobs:
            raise SourceError(f"{path}: no folder below it has {OUTPUT}/config.yaml, which Hydra writes for each job")
        of_jobs = [(job, each) for job in jobs for each in _read(path, job, request)]
        read = _with_ended([each for _, each in of_jobs])
        if not any(each.parts.metrics or each.parts.plain for each in read):
            raise SourceError(_nothing(path, read))
        try:
            parts, replaced = with_choices([each.parts for each in read], [_hydra(path, job) for job, _ in of_jobs])
        except NoValueError as error:
            raise SourceError(f"{path}: {error}") from None
        why = self.recognise(path) or "--from names this kind"
        return source_of(self.kind, why, parts, [*sentences(read), *replaced], request)


def _with_ended(read: Sequence[ReadRun]) -> list[ReadRun]:
    """Return the jobs, those without results as failed if a later job of the same multirun has some."""
    last: dict[str, int] = {}
    for at, each in enumerate(read):
        if each.parts.state != RUNNING:
            last[each.parts.name.rpartition("/")[0]] = at
    return [
        ReadRun(replace(each.parts, state=FAILED), each.fault.replace(STILL_RUNNING, HAS_FAILED))
        if each.parts.state == RUNNING and at < last.get(each.parts.name.rpartition("/")[0], -1)
        else each
        for at, each in enumerate(read)
    ]


def _nothing(path: Path, read: Sequence[ReadRun]) -> str:
    return nothing_fault(path, [each.fault for each in read if each.fault]).replace(
        "; for text logs", "; Hydra saves the value that a function returns nowhere; for text logs"
    )


def _job_folders(files: Sequence[Path]) -> list[Path]:
    """Return the folders of jobs: those with `.hydra/config.yaml` or `.hydra/overrides.yaml`."""
    inner = [file.parent for file in files if file.parent.name == OUTPUT and file.stem in ("config", "overrides")]
    return list(dict.fromkeys(folder.parent for folder in inner))


def _jobs(root: Path) -> list[HydraJob]:
    """Return the jobs with their files. Files of a job in a folder below that of another belong to the inner one."""
    files = files_below(root)
    folders = _job_folders(files)
    owned: dict[Path, list[Path]] = {folder: [] for folder in folders}
    for file in files:
        owner = next((parent for parent in file.parents if parent in owned), None)
        if owner and OUTPUT not in file.relative_to(owner).parts:
            owned[owner].append(file)
    return [HydraJob(folder, _files_of(root, folder, own)) for folder, own in owned.items()]


def _files_of(root: Path, folder: Path, files: Sequence[Path]) -> RunFiles:
    """Return the results and logs in the folder of a job."""
    found = grouped(folder, files).runs
    results = tuple(result for run in found for result in run.results)
    logs = tuple(file for file in files if file.suffix.lower() in (".log", ".out", ".txt"))
    name = folder.relative_to(root).as_posix()
    return RunFiles(name, "the folder itself" if name == "." else name, (), results, logs)


def _read(root: Path, job: HydraJob, request: Request) -> list[ReadRun]:
    settings, faults = _settings(root, job)
    runs = values_of(root, job.files, settings)
    if request.patterns:
        runs = [log_parts(root, each, job.files.logs, request.patterns) for each in runs]
    own = {"job": job.folder.name} if job.folder.name else {}
    return [
        ReadRun(
            replace(each.parts, circumstances={**own, **each.parts.circumstances}),
            "; ".join(fault for fault in (each.fault, *faults) if fault),
        )
        for each in runs
    ]


def _settings(root: Path, job: HydraJob) -> tuple[dict[str, Cell], list[str]]:
    """Return the configuration of a job; without one, its overrides."""
    path = job.folder / OUTPUT / "config.yaml"
    name = str(path.relative_to(root))
    try:
        if path.is_file():
            return cells(read_mapping(path, name), name), []
        return dict(_overrides(root, job)), []
    except NoValueError as error:
        return {}, [f"{error}; its settings are not known"]


def _overrides(root: Path, job: HydraJob) -> list[tuple[str, Cell]]:
    """Return (key, value) of the overrides of a job; `~key` removes a key, and has no value."""
    path = job.folder / OUTPUT / "overrides.yaml"
    if not path.is_file():
        return []
    content = read_document(path, str(path.relative_to(root)))
    return [_override(str(each)) for each in content or [] if not str(each).startswith("~")]


def _override(text: str) -> tuple[str, Cell]:
    key, _, value = text.lstrip("+").partition("=")
    return key.partition("@")[0], typed(value.strip("'\""))


def _hydra(root: Path, job: HydraJob) -> Mapping[str, Cell]:
    """Return {group: its option} of a job: those that Hydra notes, or those of the overrides."""
    path = job.folder / OUTPUT / "hydra.yaml"
    if not path.is_file():
        return {key: value for key, value in _overrides(root, job) if isinstance(value, str)}
    content: Any = read_mapping(path, str(path.relative_to(root)))
    for key in ("hydra", "runtime", "choices"):
        content = content.get(key) if isinstance(content, Mapping) else None
    choices = content if isinstance(content, Mapping) else {}
    return {str(key): value for key, value in choices.items() if not str(key).startswith("hydra/")}


reader = HydraReader()
