"""A function of the user as a trainer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.errors import AblateError, unknown_name
from ablate.trainers.declared.entry import DeclaredEntry, folder_faults
from ablate.trainers.entry import Config, Fault
from ablate.trainers.function.job import kept_return
from ablate.trainers.function.reference import parts_of
from ablate.trainers.function.signature import GIVEN, FunctionSignature, argument_faults, signature_of
from ablate.trainers.function.spec import FunctionSpec
from ablate.trainers.measuring.files import Outputs
from ablate.trainers.measuring.sources import MetricSource
from ablate.trainers.project.code import ProjectCode, code_of
from ablate.trainers.project.modules import find_module


@dataclass(frozen=True)
class FunctionEntry(DeclaredEntry):
    """A function by its declaration."""

    spec: FunctionSpec

    train = "ablate.trainers.function.trainer:train_function"
    has_run_examples = True

    @property
    def title(self) -> str:  # type: ignore[override]
        """The function, as reports name the trainer."""
        return self.spec.function

    @property
    def evaluates_apart(self) -> bool:  # type: ignore[override]
        return self.spec.evaluate is not None

    def project_code(self) -> ProjectCode:
        references = [self.spec.function, *([self.spec.evaluate] if self.spec.evaluate else [])]
        codes = [self._code(reference) for reference in references]
        hashes = {file: value for code in codes for file, value in code.hashes.items()}
        faults = tuple(dict.fromkeys(fault for code in codes for fault in code.faults))
        notes = tuple(dict.fromkeys(note for code in codes for note in code.notes))
        files = {path: value for code in codes for path, value in code.files.items()}
        return ProjectCode(hashes, faults, notes, files)

    def _code(self, reference: str) -> ProjectCode:
        file, module, _ = parts_of(reference)
        return code_of(self.folder, Path(file) if file else None, module, self.spec.files)

    def outputs(self, folder: Path, began: float) -> Outputs:
        returned = kept_return(folder)
        if not returned.values:
            return super().outputs(folder, began)
        return replace(super().outputs(folder, began), returned=returned.values[0], examples=returned.outcomes(0))

    def prepare_data(self, configs: Iterable[Config], warn: Callable[[str], None]) -> None:
        """Check the configs against the annotation of the argument `config`, in a process of its own."""
        signatures = [_signature(reference, self.folder) for reference in (self.spec.function, self.spec.evaluate)]
        if any(isinstance(each, FunctionSignature) and each.is_annotated for each in signatures):
            from ablate.trainers.function.config.config_check import config_faults

            if faults := config_faults(self.spec, self.folder, list(configs)):
                raise AblateError("\n".join(faults))


class FunctionKind:
    """Functions, as study files declare them."""

    spec = FunctionSpec
    key_advice = "see that the function uses {key}"
    seed_advice = "see that the function has an argument `seed`, and seeds everything random with it"

    def advice(self, plain: Config) -> str:
        """Return nothing: no usual way of writing a function wrong is known."""
        return ""

    def key_faults(self, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the faults of keys that have the name of an argument of their own."""
        for key in keys:
            if key in GIVEN:
                advice = "set by `seeds:`; take it out of `config:`" if key == "seed" else "so a key needs another name"
                yield key, f"{key!r} is an argument that a function gets by its name, {advice}"

    def faults(self, spec: FunctionSpec, folder: Path, config: Config) -> Iterator[Fault]:
        """Yield the faults of the functions: files and names that are not there, arguments that nothing gives."""
        yield from folder_faults(spec, folder)
        for key, reference in (("function", spec.function), ("evaluate", spec.evaluate)):
            signature = _signature(reference, folder)
            if isinstance(signature, str):
                yield (key,), f"found {reference!r}: {signature}"
            elif signature is not None:
                for fault in argument_faults(signature, list(config)):
                    yield (key,), f"found {reference!r}: {fault}"

    def entry(self, spec: FunctionSpec, folder: Path, config: Config, sources: Sequence[MetricSource]) -> FunctionEntry:
        """Return the trainer of a declaration."""
        return FunctionEntry(folder.absolute(), config, tuple(sources), spec)

    def from_options(self, options: Mapping[str, Any]) -> FunctionEntry:
        """Return the trainer whose options these are."""
        return FunctionEntry.from_options(FunctionSpec.model_validate(options["spec"], strict=False), options)


def _signature(reference: str | None, folder: Path) -> FunctionSignature | str | None:
    """Return the signature of a function, or why it has none; None if there is no reference."""
    if reference is None:
        return None
    file, module, name = parts_of(reference)
    if file is not None:
        if not (folder / file).is_file():
            names = sorted(path.name for path in folder.glob("*.py"))
            return f"there is no such file in {_study_folder(folder)}: {unknown_name('file', file, names)}"
        return signature_of(folder / file, name)
    path = find_module(str(module), folder)
    if path is None:
        return f"there is no module {module!r} in {_study_folder(folder)}, or among the installed ones"
    return signature_of(path, name)


def _study_folder(folder: Path) -> str:
    return f"{folder.absolute()}, the folder of the study file"


KIND = FunctionKind()
