"""Completion of values in a shell: files, studies, profiles, labels, keys. A fault completes nothing, in silence.

Each function gets typer's context, with the words that were typed so far, and the part of the word to complete. Nothing
heavy is imported: no torch and no pandas, and the store only for names in it.
"""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import typer

Completion = Callable[[Any, str], Iterable[str]]

MOST = 200
"""Completions that are offered; a shell asks before it lists more."""

TOP_KEYS = ("study", "question", "primary", "delta", "alpha", "seeds", "trainer", "family")
"""Keys of a study file with one value, which `--set` may set."""


def quietly(complete: Completion) -> Callable[[typer.Context, str], list[str]]:
    """Return a completion for typer that completes nothing if it fails."""

    def completed(ctx: typer.Context, incomplete: str) -> list[str]:
        names: list[str] = []
        with suppress(Exception):  # a message would stand in the middle of the line that is typed
            names = list(islice((name for name in complete(ctx, incomplete) if name.startswith(incomplete)), MOST))
        return names

    return completed


@quietly
def study_files(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the study files in the folder that is typed, and in the folders in it."""
    yield from _study_files(incomplete)


def _study_files(incomplete: str) -> Iterator[str]:
    typed = incomplete.rpartition("/")
    folder = Path(typed[0] + typed[1]).expanduser() if typed[1] else Path()
    files = [path for pattern in ("*.y*ml", "*/*.y*ml") for path in sorted(folder.glob(pattern))]
    for path in files:
        if path.suffix in (".yaml", ".yml") and not path.parent.name.startswith("."):
            yield typed[0] + typed[1] + path.relative_to(folder).as_posix()


@quietly
def studies(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the studies in the store."""
    yield from dict.fromkeys(study for study, _ in _stored_plans(ctx))


@quietly
def studies_and_files(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the studies in the store, and then the study files, for commands that take either."""
    with suppress(Exception):  # without a store there are still the files
        yield from dict.fromkeys(study for study, _ in _stored_plans(ctx))
    yield from _study_files(incomplete)


@quietly
def profiles(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the profiles of the study file or of the study in the store."""
    if path := _typed(ctx).get("path"):
        from ablate.study.reading.nodes import read_file
        from ablate.study.reading.overrides import BASE, profile_names

        yield from (*profile_names(read_file(Path(path))), BASE)
    else:
        study = _typed(ctx).get("study")
        yield from dict.fromkeys(profile for name, profile in _stored_plans(ctx) if study in (None, name))


@quietly
def labels_in_file(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the labels of the rows of the study file."""
    from ablate.study.reading.study_reader import read_study

    study = read_study(Path(_typed(ctx)["path"]), _typed(ctx).get("profile"))
    yield from (_word(row.label) for row in study.rows)


@quietly
def labels_in_store(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the labels of the rows of the study in the store."""
    from ablate.store import plans

    with closing(_store(ctx)) as store, store.read() as connection:
        name = plans.choose(connection, _typed(ctx)["study"], _typed(ctx).get("profile"), store.url)
        plan = plans.read_plan(connection, name.study, name.profile)
    yield from (_word(row.label) for row in plan.rows)


@quietly
def setting_keys(ctx: Any, incomplete: str) -> Iterator[str]:
    """Yield the keys that `--set` may set, each with its equals sign."""
    from ablate.study.config_keys import flattened
    from ablate.study.reading.config_checks import keys_elsewhere
    from ablate.study.reading.nodes import read_file
    from ablate.trainers.registry import DEFAULT

    trainer: Any = DEFAULT
    factors: list[str] = []
    own_keys: list[str] = []
    with suppress(Exception):  # without a file, the keys of the usual trainer
        root = read_file(Path(_typed(ctx)["path"]))
        trainer = root.child("trainer").value if root.child("trainer") else DEFAULT  # type: ignore[union-attr]
        factors = list(root.child("factors").value)  # type: ignore[union-attr]
        own_keys = list(flattened(root.child("config").plain()))  # type: ignore[union-attr]
    keys = keys_elsewhere(trainer) if isinstance(trainer, str) else [f"config.{key}" for key in own_keys]
    sections = {key.rpartition(".")[0] for key in keys}
    yield from (f"{key}=" for key in TOP_KEYS)
    yield from (f"{key}=" for key in keys if key not in sections)
    yield from (f"factors.{name}.baseline=" for name in factors)


def words(*known: str) -> Callable[[typer.Context, str], list[str]]:
    """Return a completion of a fixed list of words."""

    @quietly
    def complete(ctx: Any, incomplete: str) -> Iterator[str]:
        yield from known

    return complete


def _typed(ctx: Any) -> dict[str, str]:
    """Return the values of the words that were typed, by parameter.

    Typer leaves them out if the last option has no value yet, which is the case while that value is completed.
    """
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    words = iter(_split(line)[ctx.command_path.count(" ") + 1 :])
    arguments = iter([param for param in ctx.command.params if param.param_type_name == "argument"])
    typed: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        option = next((param for param in ctx.command.params if name in param.opts and name.startswith("-")), None)
        if option is not None and not getattr(option, "is_flag", False):
            typed[option.name] = value if equals else next(words, "")
        elif not word.startswith("-") and (argument := next(arguments, None)) is not None:
            typed[argument.name] = word
    return {name: value for name, value in typed.items() if value}


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote is still open
        return line.split()


def _word(label: str) -> str:
    """Return a label as a shell takes it: in quotes if it has spaces."""
    return shlex.quote(label)


def _stored_plans(ctx: Any) -> list[tuple[str, str]]:
    from ablate.store import plans

    with closing(_store(ctx)) as store, store.read() as connection:
        return [(plan.study, plan.profile) for plan in plans.read_plans(connection)]


def _store(ctx: Any) -> Any:
    """Open the store that is typed, that of the variable, or the usual one; FileNotFoundError if it is not there."""
    from ablate.api.stores import DEFAULT_STORE, is_new
    from ablate.store import require_store

    url = str(_typed(ctx).get("store") or os.environ.get("ABLATE_STORE") or DEFAULT_STORE)
    if is_new(url) or "://" in url.removeprefix("sqlite:///"):  # a server may be away, and a shell must not wait for it
        raise FileNotFoundError(url)
    return require_store(url)
