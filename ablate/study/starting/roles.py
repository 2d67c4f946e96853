"""The roles of a script's options: its seed, its output folder, settings of the machine, and what a study may vary."""

from enum import StrEnum
from pathlib import PurePosixPath

from ablate.study.starting.scanning.options import OptionKind, ScriptOption, words_of


class Role(StrEnum):
    """The use of an option in a study."""

    SEED = "seed"
    FOLDER = "folder"
    """The script writes its results there."""
    OTHER_SEED = "other seed"
    """A second seed, such as that of a split; it stays as it is."""
    MACHINE = "machine"
    """It decides no result: devices, workers, messages. It stays at the script's default."""
    INPUT = "input"
    """A file, a folder or a name of the data."""
    LENGTH = "length"
    """The length of the training."""
    SETTING = "setting"


SEEDS = ("seed", "random_seed", "random_state", "randomseed", "randomstate", "rng_seed", "manual_seed", "global_seed")
"""Names of a seed, in small letters with underscores, the most usual first."""
FOLDERS = frozenset(
    {
        "out", "output", "out_dir", "outdir", "output_dir", "output_folder", "output_path", "save", "save_dir",
        "savedir", "save_path", "log_dir", "logdir", "log_path", "results", "result_dir", "results_dir", "results_path",
        "checkpoint_dir", "ckpt_dir", "work_dir", "workdir", "run_dir", "exp_dir", "experiment_dir", "model_dir",
        "default_root_dir", "save_to", "dest", "metrics_file", "metrics_path", "output_file", "results_file",
        "log_file", "save_folder", "o",
    }
)  # fmt: skip
MACHINE = frozenset(
    {
        "cuda", "accel", "gpu", "gpus", "device", "devices", "mps", "cpu", "accelerator", "verbose", "verbosity",
        "quiet", "debug", "dry", "wandb", "tensorboard", "neptune", "mlflow", "workers", "threads", "jobs", "port",
        "host", "hostname", "rank", "world", "dist", "distributed", "ddp", "resume", "checkpoint", "checkpoints",
        "ckpt", "save", "saving", "print", "progress", "cache", "log", "logging", "logger", "profile", "profiler",
        "plot", "show", "download", "interval", "freq", "every", "project", "entity", "tag", "tags", "notes", "run",
        "exp", "experiment", "tqdm", "pin", "prefetch", "compile", "deterministic", "benchmark", "nproc", "node",
        "nodes", "strategy", "force", "overwrite", "help", "version",
    }
)  # fmt: skip
ON_HELD_OUT = frozenset({"test", "val", "valid", "validation", "eval"})
INPUT = frozenset(
    {"data", "dataset", "datadir", "path", "paths", "dir", "root", "file", "files", "folder", "csv", "input"}
)
LENGTH = frozenset(
    {"epochs", "epoch", "steps", "iters", "iterations", "iter", "rounds", "updates", "patience", "samples"}
)


def role_of(option: ScriptOption) -> Role:
    """Return the role of an option, by its name and default."""
    name, words = _normal(option), set(words_of(option.name))
    if name in SEEDS and not option.is_switch:
        return Role.SEED
    if "seed" in words or "random_state" in name:
        return Role.OTHER_SEED
    if name in FOLDERS and not option.is_switch and not option.is_number and not option.choices:
        return Role.FOLDER
    if words & MACHINE or (words & ON_HELD_OUT and "batch" in words):
        return Role.MACHINE
    if words & INPUT and not option.is_switch:
        return Role.INPUT
    return Role.LENGTH if words & LENGTH and option.is_number else Role.SETTING


def seed_among(options: list[ScriptOption]) -> ScriptOption | None:
    """Return the option that takes the seed; of several the one with the most usual name."""
    seeds = [option for option in options if role_of(option) is Role.SEED]
    return min(seeds, key=lambda option: SEEDS.index(_normal(option)), default=None)


def folder_text(option: ScriptOption) -> str:
    """Return the value for an option that gives the output: `${dir}`, or a file in it if its default is a file."""
    name = output_file(option)
    return f"${{dir}}/{name}" if name else "${dir}"


def output_file(option: ScriptOption) -> str:
    """Return the name of the file that an output option gives by default; empty if it gives a folder."""
    name = PurePosixPath(option.default if isinstance(option.default, str) else "").name
    return name if PurePosixPath(name).suffix else ""


def is_path(option: ScriptOption) -> bool:
    """Return True if the default of an option looks like a path."""
    return option.kind is OptionKind.VALUE and isinstance(option.default, str) and "/" in option.default


def _normal(option: ScriptOption) -> str:
    return option.name.rpartition(".")[2].replace("-", "_").lower()
