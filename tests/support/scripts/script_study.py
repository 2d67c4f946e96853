"""Studies of a script or a function that a test writes, in the working folder, and what is stored about them."""

from pathlib import Path

from tests.support.command_line import query

STUDY = """
study: s
trainer: <trainer>
metrics: {acc: {better: higher, unit: "%"<from>}}
config: {<config>}
factors: {lr: {sets: lr, levels: [0.1, 0.2]}}
design: [{add_one: {from: {}}}]
seeds: <seeds>
runtime: {threads: 1, device: cpu<runtime>}
"""
"""Two rows, which differ in the learning rate."""

ROW = ("--only", "baseline")
"""The options for one of the two rows."""


def write_command(
    script: str,
    *,
    trainer: str = "",
    source: str = "stdout:acc: ([0-9.]+)",
    config: str = "lr: 0.1",
    seeds: int = 1,
    runtime: str = "",
    command: str = '["${python}", train.py, "${args}", --seed, "${seed}"]',
) -> Path:
    """Write `train.py` and a study whose command runs it. Return the study's file.

    `trainer`, `config` and `runtime` are further keys, such as `timeout: 1s`.
    """
    Path("train.py").write_text(script, encoding="utf-8")
    keys = f"{{command: {command}{', ' if trainer else ''}{trainer}}}"
    return _write(keys, f', from: "{source}"' if source else "", config, seeds, runtime)


def write_function(
    module: str,
    *,
    trainer: str = "",
    config: str = "lr: 0.1",
    seeds: int = 1,
    runtime: str = "",
    function: str = "train.py:main",
) -> Path:
    """Write `train.py` and a study whose trainer is a function of it. Return the study's file."""
    Path("train.py").write_text(module, encoding="utf-8")
    keys = f"{{function: {function}{', ' if trainer else ''}{trainer}}}"
    return _write(keys, "", config, seeds, runtime)


def _write(trainer: str, source: str, config: str, seeds: int, runtime: str) -> Path:
    text = STUDY
    parts = {"trainer": trainer, "from": source, "config": config, "seeds": str(seeds)}
    for name, part in {**parts, "runtime": f", {runtime}" if runtime else ""}.items():
        text = text.replace(f"<{name}>", part)
    path = Path("study.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def ends(store: str = "results/ablate.db") -> list[tuple[str, str]]:
    """Return (state, reason) of each attempt, in the order in which they began."""
    rows = query("SELECT state, coalesce(reason, '') FROM ablate_attempts ORDER BY id", store)
    return [(str(state), str(reason)) for state, reason in rows]


def states(store: str = "results/ablate.db") -> list[str]:
    """Return the state of each training."""
    return [str(state) for (state,) in query("SELECT state FROM ablate_trainings ORDER BY key", store)]


def values(metric: str = "acc", store: str = "results/ablate.db") -> list[float]:
    """Return the values of a metric of the trials that are done, from the lowest."""
    sql = f"SELECT DISTINCT trial, value FROM metrics WHERE state = 'done' AND metric = '{metric}' ORDER BY value"
    return [float(str(value)) for _, value in query(sql, store)]


def run_folders() -> list[Path]:
    """Return the folders of the trainings."""
    return sorted(Path("results/runs").iterdir())
