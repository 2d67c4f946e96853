"""The reader of the folders that W&B's runs leave on the disk, also of runs that were offline."""

from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import DONE, Request, Source
from ablate.imports.trackers.logged import LoggedRun, places, source_of, with_names
from ablate.imports.trackers.wandb.log import HEAD
from ablate.imports.trackers.wandb.run_folders import NAME, RunContent, WandbFiles, read_all, resumed, run_folders
from ablate.imports.trackers.wandb.values import circumstances_in, metrics_in
from ablate.text import fault_lines, listed_in_part, plural

MOST_NAMED = 5
"""Runs that a sentence names; of more it gives the number."""


class WandbRunsReader:
    """Reads a folder `wandb`, the folder that holds it, the folder of one run, or its log `run-ID.wandb`."""

    kind = "wandb"

    def recognise(self, path: Path) -> str:
        try:
            if path.is_file():
                with path.open("rb") as file:
                    return "it is the log of a W&B run" if file.read(4) == HEAD[:4] else ""
            runs = run_folders(path)
        except OSError:
            return ""
        if not runs:
            return ""
        if runs[0].folder == path:
            return "it has the files of a W&B run"
        where = "it holds" if runs[0].folder.parent == path else f"it holds {NAME}/ with"
        return f"{where} {plural(len(runs), 'folder')} of W&B runs, such as {runs[0].folder.name}"

    def read(self, path: Path, request: Request) -> Source:
        try:
            runs = run_folders(path)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
        if not runs:
            raise SourceError(f"{path}: holds no folder of a W&B run, such as {NAME}/run-20260101_120000-abcd1234")
        earlier = list(resumed(runs))
        unused = [f"{run.folder.name}: a later folder goes on with the same run" for run in earlier]
        faults: list[str] = []
        read = read_all([run for run in runs if run not in earlier], faults, unused)
        if faults:
            raise SourceError(f"{path}: cannot be read as runs of W&B:\n{fault_lines(faults)}")
        logged = _with_results(path, read, unused)
        named = with_names(logged, request) if request.names else logged
        return source_of(self.kind, self.recognise(path), named, unused, primary=request.metrics)


def _with_results(path: Path, read: list[tuple[WandbFiles, RunContent]], unused: list[str]) -> list[LoggedRun]:
    """Return the runs without those that ended and have no metric. SourceError if there is none."""
    used = [(run, each) for run, each in read if metrics_in(each.summary) or each.state != DONE]
    if not used:
        raise SourceError(f"{path}: no run has a metric ({plural(len(read), 'run')}); log metrics with wandb.log")
    unused += [f"{run.folder.name}: the log ends early, because {each.torn}" for run, each in used if each.torn]
    if empty := [run.folder.name for run, each in read if (run, each) not in used]:
        unused.append(f"{plural(len(empty), 'finished run')} without a metric: {listed_in_part(empty, MOST_NAMED)}")
    names = places([each.about.get("name", "") for _, each in used], [run.key for run, _ in used])
    several = len({each.about.get("project") for _, each in used}) > 1
    return [_logged(each, place, several) for (_, each), place in zip(used, names, strict=True)]


def _logged(run: RunContent, place: str, several_projects: bool) -> LoggedRun:
    about = {"run" if name == "name" else name: text for name, text in run.about.items() if text and name != "project"}
    return LoggedRun(
        place,
        run.config,
        metrics_in(run.summary),
        {"run": "", **circumstances_in(run.summary), **about},
        {"project": run.about.get("project", "")} if several_projects else {},
        run.state,
    )


reader = WandbRunsReader()
