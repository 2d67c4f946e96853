"""Settings that do not arrive, by the notes of a watched script or, if there are none, by its text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ablate.run.checking.lost_settings import error_advice, lost_settings, unknown_options
from ablate.run.checking.mentions import mentioned_names
from ablate.run.checking.remark import Remark
from ablate.run.checking.row_run import RowRun
from ablate.run.checking.static_options import unknown_options_of
from ablate.study.model import Study
from ablate.trainers.command.entry import CommandEntry
from ablate.trainers.declared.attempt import Attempt
from ablate.trainers.declared.entry import DeclaredEntry


def setting_remarks(runs: Sequence[RowRun], study: Study, folder: Path, keys: Sequence[str]) -> list[Remark]:
    """Return a sentence for each setting that no training used. `keys`: the dotted keys of the study's config."""
    notes = [run.notes for run in runs if run.is_done]
    if not runs[0].is_done:
        return list(unknown_options(runs[0].notes.parsed, keys))
    mentioned = mentioned_names(study.entry) if isinstance(study.entry, DeclaredEntry) else frozenset()
    lost = list(lost_settings(notes, keys, mentioned))
    return lost if any(each.parsed for each in notes) else [*lost, *_by_text(runs[0], study, folder, keys)]


def advice(run: RowRun, study: Study, folder: Path, keys: Sequence[str]) -> list[str]:
    """Return the remedies for options that a script refused. `folder`: a temporary one."""
    if run.is_done:
        return []
    of_parser = list(error_advice(run.notes.errors, keys))
    if of_parser or run.notes.parsed or run.has_ended_well:
        return of_parser
    return [remark.text for remark in _by_text(run, study, folder, keys)]


def _by_text(run: RowRun, study: Study, folder: Path, keys: Sequence[str]) -> Iterator[Remark]:
    """Yield a sentence for each option that the text of a script does not declare."""
    entry = study.entry
    if isinstance(entry, CommandEntry):
        yield from unknown_options_of(entry, Attempt(folder, 1, run.seed, run.config, folder, 0.0), keys)
