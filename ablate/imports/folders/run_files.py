"""The files below a folder, grouped by the runs that they belong to."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ablate.imports.folders import words
from ablate.imports.folders.reading.documents import DOCUMENTS
from ablate.imports.folders.reading.named_files import CONFIG, LOGS, OTHER, RESULT, NamedFile, named_file
from ablate.imports.folders.reading.result_values import LINES, TABLES
from ablate.imports.folders.reading.walking import PICKLES
from ablate.text import listed_in_part, plural


@dataclass(frozen=True)
class RunFiles:
    """The files of one run."""

    name: str
    """The folder, relative to the root, and the file's name if the folder holds several runs."""
    place: str
    configs: tuple[Path, ...] = ()
    """The files with settings, the nearest ones first."""
    results: tuple[tuple[str, Path], ...] = ()
    """(prefix of the metrics' names, file)."""
    logs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class GroupedFiles:
    """The runs below a folder."""

    runs: list[RunFiles]
    unused: list[str]
    """A sentence for each kind of file that was not used."""


def grouped(root: Path, files: Sequence[Path], has_logs: bool = False) -> GroupedFiles:
    """Return the runs that the names and places of files show. `has_logs`: True if logs are results."""
    named = [named_file(path, root) for path in files]
    configs = [file for file in named if file.role == CONFIG]
    others = [file for file in named if file.role == OTHER]
    results = [file for file in named if file.role == RESULT]
    logs = [file for file in named if file.path.suffix.lower() in LOGS]
    beside = _configs_beside_folders(others, {file.folder for file in results})
    unused = _pickles(files)
    if not results and not (has_logs and logs):
        results, beside_results = _single_files(others, configs)
        configs += beside_results
    else:
        rest = [file for file in others if file not in beside.values()]
        unused += _unused_others(rest, root)
    runs, summaries = _runs(root, results, configs, beside, logs, has_logs)
    unused += [f"{file.relative_to(root)}: not used, for there are runs in the folders below it" for file in summaries]
    return GroupedFiles([*runs, *_unfinished(root, configs, runs, logs)], unused)


def _pickles(files: Sequence[Path]) -> list[str]:
    endings = sorted({path.suffix.lower() for path in files if path.suffix.lower() in PICKLES})
    count = sum(path.suffix.lower() in PICKLES for path in files)
    return [f"{plural(count, 'file')} ({', '.join(endings)}): never opened, for they may hold code"] if count else []


def _unused_others(files: Sequence[NamedFile], root: Path) -> list[str]:
    names = [str(file.path.relative_to(root)) for file in files]
    return [f"{listed_in_part(names, 3)}: neither a configuration nor results by name"] if names else []


def _configs_beside_folders(others: Sequence[NamedFile], folders: set[PurePosixPath]) -> dict[PurePosixPath, NamedFile]:
    """Return {folder: the file of its name beside it}: `0.toml` holds the settings of `0/stats.json`."""
    beside = {file.folder / file.rest: file for file in others if file.path.suffix.lower() in DOCUMENTS}
    return {folder: beside[folder] for folder in folders if folder in beside}


def _single_files(others: Sequence[NamedFile], configs: Sequence[NamedFile]) -> tuple[list[NamedFile], list[NamedFile]]:
    """Return the files that are results, and those that are configurations, although no name says it.

    A file next to a configuration is the result of its folder. Of `a.yaml` and `a.json`, or `a.json` and `a.csv`, the
    former is the configuration.
    """
    by_folder = Counter(file.folder for file in others)
    has_config = {file.folder for file in configs if not file.rest}
    ranks = {(file.folder, file.rest): 0 for file in others}
    for file in others:
        ranks[file.folder, file.rest] = max(ranks[file.folder, file.rest], _rank(file))
    results = [file for file in others if _rank(file) == ranks[file.folder, file.rest]]
    return [
        file._replace(rest="") if by_folder[file.folder] == 1 and file.folder in has_config else file
        for file in results
    ], [file._replace(role=CONFIG) for file in others if file not in results]


def _rank(file: NamedFile) -> int:
    """Return how much a file looks like a result next to one of the same name."""
    ending = file.path.suffix.lower()
    return 2 if ending in TABLES | LINES else 1 if ending == ".json" else 0


def _run_of(file: NamedFile) -> tuple[PurePosixPath, str, str]:
    """Return (folder, name within the folder, prefix of metrics) of a result file."""
    folder, rest, prefix = file.folder, file.rest, ""
    if folder.name.lower() in words.SPLITS and folder.name.lower() not in words.NEUTRAL_FOLDERS and not rest:
        folder, prefix = folder.parent, f"{folder.name}."
    while folder.name.lower() in words.NEUTRAL_FOLDERS and not rest and len(folder.parts) > 1:
        folder = folder.parent
    if file.role == RESULT and rest and _are_splits(rest):
        rest, prefix = "", "" if rest.lower() in ("all", "final") else f"{rest}."
    return folder, rest, prefix


def _are_splits(rest: str) -> bool:
    return all(part in words.SPLITS | {"all", "set", "metrics"} for part in re.split(r"[-_. ]+", rest.lower()))


def _runs(
    root: Path,
    results: Sequence[NamedFile],
    configs: Sequence[NamedFile],
    beside: dict[PurePosixPath, NamedFile],
    logs: Sequence[NamedFile],
    has_logs: bool,
) -> tuple[list[RunFiles], list[Path]]:
    """Return the runs, and the result files that lie above other runs."""
    keyed: dict[tuple[PurePosixPath, str], list[tuple[str, Path]]] = defaultdict(list)
    for file in results:
        folder, rest, prefix = _run_of(file)
        keyed[folder, rest].append((prefix, file.path))
    if has_logs:
        _add_logs(keyed, logs)
    folders = {folder for folder, _ in keyed}
    above = {parent for folder in folders for parent in folder.parents} & folders
    above -= {file.folder for file in configs if not file.rest and _has_own(file.folder, configs, above)}
    tables = _configs_by_place(configs, beside)
    by_folder = defaultdict(list)
    for log in logs:
        by_folder[log.folder].append(log.path)
    runs = [
        RunFiles(
            "/".join(part for part in (str(folder), rest) if part not in ("", ".")),
            str(folder if not rest else files[0][1].relative_to(root) if files else folder / rest),
            tuple(_configs_of(folder, rest, tables)),
            tuple(files),
            tuple(path for path in by_folder[folder] if not rest or path.stem == rest or rest in path.stem),
        )
        for (folder, rest), files in keyed.items()
        if folder not in above
    ]
    summaries = [path for (folder, _), files in keyed.items() if folder in above for _, path in files]
    return runs, summaries


def _has_own(folder: PurePosixPath, configs: Sequence[NamedFile], above: set[PurePosixPath]) -> bool:
    """Return True if a folder has a configuration, and no folder below it has one: it is a run with parts."""
    return folder in above and not any(folder in file.folder.parents for file in configs)


def _add_logs(keyed: dict[tuple[PurePosixPath, str], list[tuple[str, Path]]], logs: Sequence[NamedFile]) -> None:
    """Add a run for each log of a folder with several logs, and for each folder with one log."""
    by_folder: dict[PurePosixPath, list[NamedFile]] = defaultdict(list)
    for log in logs:
        by_folder[log.folder].append(log)
    names = {log.path.name for log in logs}
    for folder, files in by_folder.items():
        is_single = len(by_folder) > 1 and (len(files) == 1 or len(names) == len(files))
        for log in files:
            rest = "" if is_single or any(f == folder and not r for f, r in keyed) else log.path.stem
            keyed.setdefault((folder, rest), [])


def _configs_by_place(
    configs: Sequence[NamedFile], beside: dict[PurePosixPath, NamedFile]
) -> dict[tuple[PurePosixPath, str], list[Path]]:
    tables: dict[tuple[PurePosixPath, str], list[Path]] = defaultdict(list)
    for file in configs:
        tables[file.folder, "" if _are_splits(file.rest or "all") else file.rest].append(file.path)
    for folder, file in beside.items():
        tables[folder, ""].append(file.path)
    return tables


def _configs_of(folder: PurePosixPath, rest: str, tables: dict[tuple[PurePosixPath, str], list[Path]]) -> list[Path]:
    """Return the configurations of a run, and those of the folders above it, which hold for all runs below."""
    own = tables.get((folder, rest), []) if rest else []
    return [*own, *(path for place in (folder, *folder.parents) for path in tables.get((place, ""), []))]


def _unfinished(
    root: Path, configs: Sequence[NamedFile], runs: Sequence[RunFiles], logs: Sequence[NamedFile]
) -> list[RunFiles]:
    """Return the runs that have a configuration and no result."""
    used = {path for run in runs for path in run.configs}
    finished = {PurePosixPath(run.name) for run in runs}
    by_place = _configs_by_place(configs, {})
    return [
        RunFiles(
            "/".join(part for part in (str(folder), rest) if part not in ("", ".")),
            str(paths[0].relative_to(root)),
            tuple(_configs_of(folder, rest, by_place)),
            (),
            tuple(log.path for log in logs if log.folder == folder),
        )
        for (folder, rest), paths in by_place.items()
        if not used.intersection(paths) and not any(parent in finished for parent in (folder, *folder.parents))
    ]
