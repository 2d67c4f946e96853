"""A command of the user as a trainer."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ablate.errors import AblateError, nearest
from ablate.text import listed
from ablate.trainers.command.arguments import argument_faults, as_list, key_faults, keys_not_passed, passes_seed
from ablate.trainers.command.spec import CommandSpec
from ablate.trainers.declared.entry import RUN_FOLDER, DeclaredEntry, dotted_keys, folder_faults
from ablate.trainers.declared.named_files import is_code_or_settings, named_path
from ablate.trainers.entry import Config, Fault
from ablate.trainers.measuring.sources import MetricSource
from ablate.trainers.project.code import ProjectCode, code_of
from ablate.trainers.project.command_script import command_script

ARGUMENTS = "arguments of the command"
"""The name, among the hashes of code, of that of the arguments that the command itself has."""
SCRIPTS = (".py", ".sh", ".R", ".jl", ".pl", ".lua")
"""Ends of the names of scripts."""
PYTHON = "${python}"
ALL_KEYS = "${args}"
VARIABLES = (b"ABLATE_CONFIG", b"ABLATE_SEED")
"""Names in a script that reads its values from the environment."""


@dataclass(frozen=True)
class CommandEntry(DeclaredEntry):
    """A command by its declaration."""

    spec: CommandSpec

    train = "ablate.trainers.command.trainer:train_command"
    reports_on_the_way = False

    @cached_property
    def script(self) -> tuple[Path | None, str | None, int]:
        """The script, or the module of `-m`, and the index of the first item of the command that belongs to it."""
        return command_script(self.spec.command, self.folder)

    @property
    def title(self) -> str:  # type: ignore[override]
        """The script, the module, or the program, as reports name the trainer."""
        path, module, _ = self.script
        return path.name if path else module or Path(self.spec.command[0]).name

    @property
    def located_command(self) -> list[str]:
        """The items of the command, which name the study's files by absolute paths if it runs in another folder."""
        if self.spec.cwd == ".":
            return list(self.spec.command)
        return [os.fspath(self.folder / item) if _is_file(self.folder, item) else item for item in self.spec.command]

    @cached_property
    def named_paths(self) -> Mapping[str, Path]:
        """{item behind the script: the file or folder that it names}."""
        path, module, first = self.script
        items = self.spec.command[first + 1 if path or module else first :]
        items += self.spec.resume.args if self.spec.resume else ()
        folders = [self.folder] if self.spec.cwd == RUN_FOLDER else [self.folder, self.folder / self.spec.cwd]
        return {item: path for item in items if (path := named_path(item, folders))}

    def project_code(self) -> ProjectCode:
        path, module, first = self.script
        named = [each for each in self.named_paths.values() if is_code_or_settings(each)]
        code = code_of(self.folder, path, module, self.spec.files, named)
        return replace(code, hashes={**code.hashes, ARGUMENTS: self._arguments(first)})

    def prepare_data(self, configs: Any, warn: Callable[[str], None]) -> None:
        program = self.spec.command[0]
        if program == PYTHON or "${" in program or _is_file(self.folder, program):
            return
        if shutil.which(program) is None:
            advice = f"; write {PYTHON} for the Python that runs this program" if program.startswith("python") else ""
            raise AblateError(f"trainer.command: there is no program {program!r} on this machine{advice}")

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterator[str]:
        """Yield what the identity of trials may miss, and values that the command does not pass to the script."""
        yield from super().study_warnings(configs, searched)
        yield from self.unnoticed_paths(("the command", item) for item in self.named_paths)
        path, _, _ = self.script
        if path is not None and _reads_variables(self.folder / path):
            return
        every = dotted_keys(self.defaults)
        varied = [key for key in every if key in searched or len({repr(_value_at(one, key)) for one in configs}) > 1]
        if missing := keys_not_passed(self.spec.command, varied):
            names = listed(missing, "or")
            yield f"the command passes no {names} to the script; write {ALL_KEYS} or ${{{missing[0]}}}"
        if not passes_seed(self.spec.command):
            yield "the command passes no seed to the script, so seeds can differ by chance only; write --seed, ${seed}"

    def reached(self, folder: Path) -> int:
        """Return the time at which the saved state of a training was changed, in whole seconds; 0 if there is none."""
        if self.spec.resume is None:
            return 0
        try:
            return int((folder / self.spec.resume.file).stat().st_mtime)
        except OSError:
            return 0

    def _arguments(self, first: int) -> str:
        """Return the hash of the arguments that the command itself has, from the script on.

        Programs, launchers and absolute paths differ between machines and do not count; files of code and settings
        count by their content.
        """
        words = [_portable(item, self.folder) for item in self.spec.command[first:]]
        words[:1] = ["path"] if self.script[0] else words[:1]
        words += ["resume", *self.spec.resume.args] if self.spec.resume else []
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:20]


class CommandKind:
    """Commands, as study files declare them."""

    spec = CommandSpec
    key_advice = "see that `command` passes {key} (${{args}} or ${{{key}}}), and that the script reads it"
    seed_advice = "see that `command` passes ${seed}, and that the script seeds everything random with it"

    def advice(self, plain: Config) -> str:
        """Return the list to write for a command that is written as one text."""
        command = plain["command"]
        if not isinstance(command, str):
            return ""
        return f"found one text; write a list, as no shell reads it: {as_list(command)}"

    def key_faults(self, keys: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Return the faults of keys that have the name of a placeholder."""
        return key_faults(keys)

    def faults(self, spec: CommandSpec, folder: Path, config: Config) -> Iterator[Fault]:
        """Yield the faults of the items: unknown placeholders, and scripts that are not there."""
        yield from folder_faults(spec, folder)
        keys = dotted_keys(config)
        for index, message in argument_faults(spec.command, keys):
            yield ("command", index), message
        for index, message in argument_faults(spec.resume.args if spec.resume else (), keys):
            yield ("resume", "args", index), message
        for index, item in enumerate(spec.command):
            if item.endswith(SCRIPTS) and "${" not in item and not (folder / item).exists():
                yield ("command", index), _no_file(item, folder)

    def entry(self, spec: CommandSpec, folder: Path, config: Config, sources: Sequence[MetricSource]) -> CommandEntry:
        """Return the trainer of a declaration."""
        return CommandEntry(folder.absolute(), config, tuple(sources), spec)

    def from_options(self, options: Mapping[str, Any]) -> CommandEntry:
        """Return the trainer whose options these are."""
        return CommandEntry.from_options(CommandSpec.model_validate(options["spec"], strict=False), options)


def _is_file(folder: Path, item: str) -> bool:
    try:
        return "${" not in item and (folder / item).is_file()
    except (OSError, ValueError):
        return False


def _portable(item: str, folder: Path) -> str:
    """Return an item without an absolute path: from `folder` if it lies there, and without its place if not."""
    before, equals, path = ("", "", item) if item.startswith("/") else item.partition("=")
    if not path.startswith("/"):
        return item
    inside = Path(path).is_relative_to(folder)
    return before + equals + (os.fspath(Path(path).relative_to(folder)) if inside else "path")


def _reads_variables(script: Path) -> bool:
    """Return True if a script names the variables that hold its config or its seed."""
    try:
        content = script.read_bytes()
    except OSError:
        return False
    return any(name in content for name in VARIABLES)


def _value_at(config: Config, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _no_file(item: str, folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.suffix in SCRIPTS) if folder.is_dir() else []
    near = nearest(item, names)
    meant = f"; did you mean {near!r}?" if near else ""
    return f"found {item!r}, and there is no such file in {folder.absolute()}, the folder of the study file{meant}"


KIND = CommandKind()
