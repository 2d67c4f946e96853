"""Words of a command line that belong elsewhere: a setting with spaces, an option of another tool, another command."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ablate.errors import nearest

OTHER_COMMANDS = {
    "run": ("train", "start", "execute", "exec", "fit", "launch", "resume", "continue"),
    "check": ("test", "validate", "verify", "lint"),
    "plan": ("dry-run", "show", "preview"),
    "status": ("list", "ls", "progress", "queue", "ps"),
    "report": ("results", "result", "table", "summary", "analyse", "analyze", "export"),
    "search": ("tune", "optimize", "optimise", "sweep", "hpo"),
    "reset": ("redo", "rerun", "delete", "remove"),
    "gc": ("clean", "cleanup", "prune"),
}
"""{command: words that other tools use for it}."""

OTHER_OPTIONS = {
    ("--dry-run", "--dry", "--dryrun"): "`ablate plan` shows the trials and runs nothing",
    ("--resume", "--continue", "--restart"): "`ablate run` continues by itself",
    ("--config", "--file", "--study", "-c", "-f"): "the study file is given by its path alone, without an option",
    ("--jobs", "--num-workers", "--n-jobs", "--processes", "-j", "-n", "-w"): "--workers N is the number of processes",
    ("--gpu", "--gpus", "--device", "--devices"): "runtime.device is a key, like --set runtime.device=cuda",
    ("--force", "--overwrite", "-y"): "`ablate reset` queues rows again",
}
"""{options of other tools: how this program has that}."""

LIKE = 0.65
"""The likeness, from 0 to 1, from which on a word is taken for a misspelt command or option."""


def other_command(name: str, known: Sequence[str]) -> str | None:
    """Return the command that a word was probably meant as; None if there is none."""
    by_word = (command for command, words in OTHER_COMMANDS.items() if name.lower() in words and command in known)
    return next(by_word, None) or nearest(name, known, cutoff=LIKE)


def other_option(name: str, known: Sequence[str], elsewhere: Sequence[str] = ()) -> tuple[str | None, str]:
    """Return the option that a misspelt one was probably meant as, and how this program has one of another tool.

    `elsewhere`: the commands that have this option.
    """
    for words, remedy in OTHER_OPTIONS.items():
        if name in words:
            return None, remedy
    if elsewhere:
        return None, f"it is an option of {', '.join(f'`{command}`' for command in elsewhere)}"
    by_word = {option.lstrip("-"): option for option in known}
    near = nearest(name.lstrip("-"), by_word, cutoff=LIKE) if name.startswith("--") else None
    has_settings = near is None and "--set" in known
    return by_word.get(near or ""), "--set KEY=VALUE sets a key of the study file" if has_settings else ""


def file_of(name: str) -> str | None:
    """Return the study file in this folder whose name without its ending this is; None if there is none."""
    return next((f"{name}{ending}" for ending in (".yaml", ".yml") if Path(f"{name}{ending}").is_file()), None)


def meant_setting(extra: str, context: Any) -> str | None:
    """Return how the words that are too much were meant as a part of `--set` or of `--seeds`; None if they were not."""
    settings = [str(each) for each in context.params.get("settings") or ()]
    words = [*_taken_for_a_file(context), *extra.split()]
    words = [word for word in words if not re.search(r"\.ya?ml$", word)]
    if not words:
        return None
    for setting in settings:
        if joined := _joined(setting, words):
            return f"a setting is one word for the shell: `--set {shlex.quote(joined)}`"
    if "settings" in context.params and all(re.fullmatch(r"[\w.]+=.+", w) for w in words):
        return f"did you mean `{' '.join(f'--set {shlex.quote(word)}' for word in words)}`?"
    seeds = context.params.get("seeds")
    if seeds is not None and all(re.fullmatch(r"[\[\],\d]+", word) for word in (str(seeds), *words)):
        numbers = re.findall(r"\d+", " ".join((str(seeds), *words)))
        return f"a list of seeds is one word for the shell: `--seeds '[{', '.join(numbers)}]'`"
    return None


def _taken_for_a_file(context: Any) -> Iterator[str]:
    """Yield the word that was taken for the study file although it is none, as in `--set key = value STUDY.yaml`."""
    for param in context.command.params:
        value = context.params.get(param.name)
        if param.param_type_name == "argument" and isinstance(value, str | Path) and not Path(value).exists():
            yield str(value)


def _joined(setting: str, words: Sequence[str]) -> str | None:
    """Return a setting with the words that the shell cut off from it; None if it is complete."""
    key, equals, value = setting.partition("=")
    if not equals:
        rest = " ".join(words).lstrip("= ")
        return f"{key.strip()}={rest}" if rest else None
    is_open = any(value.count(opening) > value.count(closing) for opening, closing in ("[]", "{}", "()"))
    return " ".join((setting, *words)) if is_open else f"{key}={' '.join(words)}" if not value.strip() else None
