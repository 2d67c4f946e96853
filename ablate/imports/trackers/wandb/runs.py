"""The reader of the folders that W&B's runs leave on the disk, also of runs that were offline."""

from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import DONE, Request, Source
from ablate.imports.trackers.tracked_runs import Prefixes, TrackedRun, places, source, varies, with_names, without_gaps
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
        faults: list[str] = []
        read = read_all([run for run in runs if run not in earlier], faults)
        if faults:
            raise SourceError(f"{path}: cannot be read as runs of W&B:\n{fault_lines(faults)}")
        return _source(path, self.recognise(path), read, earlier, request)


def _source(
    path: Path, why: str, read: list[tuple[WandbFiles, RunContent]], earlier: list[WandbFiles], request: Request
) -> Source:
    used = [(run, each) for run, each in read if metrics_in(each.summary) or each.state != DONE]
    unused = [
        *[f"{run.folder.name}: a later folder goes on with the same run" for run in earlier],
        *[f"{run.folder.name}: the log ends early, because {each.torn}" for run, each in used if each.torn],
    ]
    empty = [run.folder.name for run, _ in read if run not in [one for one, _ in used]]
    unused += (
        [f"{plural(len(empty), 'finished run')} without a metric: {listed_in_part(empty, MOST_NAMED)}"] if empty else []
    )
    if not used:
        raise SourceError(f"{path}: no run has a metric ({plural(len(read), 'run')}); log metrics with wandb.log")
    names = places([each.about.get("name", "") for _, each in used], [run.key for run, _ in used])
    several = varies(each.about.get("project") for _, each in used)
    tracked = [_tracked(each, place, several) for (_, each), place in zip(used, names, strict=True)]
    return source("wandb", path, why, with_names(tracked, request), unused, Prefixes("config", "run", "summary"))


def _tracked(run: RunContent, place: str, several_projects: bool) -> TrackedRun:
    about = {name: text for name, text in run.about.items() if name != "project"}
    return TrackedRun(
        place,
        run.about.get("name", ""),
        run.state,
        run.config,
        metrics_in(run.summary),
        without_gaps({**circumstances_in(run.summary), **about}),
        {"project": run.about.get("project", "")} if several_projects else {},
    )


reader = WandbRunsReader()
