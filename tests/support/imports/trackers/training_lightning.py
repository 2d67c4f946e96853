"""Folders `lightning_logs/version_N` in the form of Lightning's CSVLogger."""

from pathlib import Path

from tests.support.imports.canonical import runs


def save(folder: Path, metrics: str, hparams: str = "") -> Path:
    """Write `metrics.csv`, and `hparams.yaml` if it has a text, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.csv").write_bytes(metrics.replace("\n", "\r\n").encode())
    if hparams:
        (folder / "hparams.yaml").write_text(hparams, encoding="utf-8")
    return folder


def metrics(last: float) -> str:
    """Return lines of training and of validation, with a last value of the validation's `acc`."""
    lines = ["acc,epoch,step,train_loss", ",0,9,0.9", "0.99,0,9,", ",1,19,0.5", f"{last},1,19,"]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> Path:
    """Write the canonical study as twelve versions."""
    for number, run in enumerate(runs()):
        hparams = f"lr: {run.lr}\nmodel:\n  norm: {run.norm}\nseed: {run.seed}\n"
        save(folder / "lightning_logs" / f"version_{number}", metrics(run.acc), hparams)
    return folder / "lightning_logs"
