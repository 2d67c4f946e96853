"""Metrics by the words that scripts use: their names in a study, their better values, and whether they are rates."""

import re
from collections.abc import Sequence

from ablate.study.starting.scanning.options import words_of

RATES = frozenset(
    {
        "acc", "accuracy", "accuracies", "f1", "auc", "auroc", "auprc", "precision", "recall", "iou", "miou", "dice",
        "top1", "top5", "hits", "mrr", "ndcg", "map", "specificity", "sensitivity", "jaccard", "em", "success",
    }
)  # fmt: skip
"""Words of rates, of which higher values are better."""
HIGHER = frozenset(
    {
        "score", "bleu", "rouge", "rougel", "r2", "psnr", "ssim", "reward", "return", "likelihood", "elbo", "corr",
        "correlation", "spearman", "pearson", "kappa", "mcc", "silhouette",
    }
)  # fmt: skip
LOWER = frozenset(
    {
        "loss", "losses", "error", "err", "perplexity", "ppl", "mse", "rmse", "mae", "mape", "nll", "ce", "bce", "wer",
        "cer", "fid", "kl", "ece", "brier", "bpc", "bpd", "bpb", "regret", "distance",
    }
)  # fmt: skip
TEST, VALIDATION, TRAIN = (
    ("test", "testing"),
    ("val", "valid", "validation", "dev", "eval", "evaluation"),
    ("train", "training"),
)
SPLITS = frozenset((*TEST, *VALIDATION, *TRAIN))
MODIFIERS = frozenset(
    {"best", "mean", "average", "avg", "balanced", "macro", "micro", "weighted", "squared", "absolute", "log", "roc",
     "pr", "cross", "entropy", "top", "total", "final", "overall"}
)  # fmt: skip
"""Words that may stand in the name of a metric next to its own."""
AVERAGES = frozenset({"mean", "average", "avg", "final", "overall"})
"""Words that may be left out right in front of the word of a metric."""
COSTS = frozenset({"seconds", "secs", "sec", "time", "minutes", "hours", "memory", "lr"})
"""Words of numbers that are no metrics of a result; a run records its own time and memory."""


def is_metric(name: str) -> bool:
    """Return True if a word of the name is one of a metric."""
    words = words_of(name)
    return any(word in RATES | HIGHER | LOWER for word in words) and not any(word in COSTS for word in words)


def is_lower_better(name: str) -> bool:
    """Return True if lower values of a metric are better, by the last of its words that decides it."""
    decided = [word for word in words_of(name) if word in RATES | HIGHER | LOWER]
    return bool(decided) and decided[-1] in LOWER


def is_rate(name: str) -> bool:
    """Return True if the values of a metric are usually in [0, 1] and shown in percent."""
    decided = [word for word in words_of(name) if word in RATES | HIGHER | LOWER]
    return bool(decided) and decided[-1] in RATES


def has_word(name: str, words: Sequence[str]) -> bool:
    """Return True if one of the words is a word of the name."""
    return any(word in words for word in words_of(name))


def metric_in(text: str, before: str = "") -> str | None:
    """Return the name of the metric that the text in front of a number speaks of: `test_f1` for `Test F1: `.

    `before`: the text of the line in front of that, which may name the data. None if the text speaks of no metric.
    """
    parts = _parts(text)
    at = next((index for index in reversed(range(len(parts))) if is_metric(parts[index])), None)
    if at is None:
        return None
    first = at
    while first > 0 and (words := words_of(parts[first - 1])) and all(word in MODIFIERS | SPLITS for word in words):
        first -= 1
    while first < at and parts[at - 1].lower() in AVERAGES:
        del parts[at - 1]
        at -= 1
    name = slug(" ".join(parts[first : at + 1]))
    splits = [word for word in words_of(f"{before} {text}") if word in SPLITS]
    return name if has_word(name, tuple(SPLITS)) or not splits else slug(f"{splits[-1]} {name}")


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[\s:=,;|()\[\]{}<>\"'*→]+", text) if part]


def slug(text: str) -> str:
    """Return text as the name of a metric in a study: `val_acc`, `test_f1`, `r@1`."""
    return re.sub(r"[^a-z0-9@]+", "_", text.lower()).strip("_")
