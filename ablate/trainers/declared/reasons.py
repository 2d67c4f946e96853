"""The reason why a training ended without a result, with the path of its log on a line of its own.

Equal reasons of several trainings are printed once. Their logs differ, so the path is no part of the reason.
"""

LOG = "\nlog: "
"""The text between a reason and the path of a log."""


def with_log(reason: str, path: str) -> str:
    """Return a reason with the path of a log."""
    return f"{reason}{LOG}{path}"


def without_log(reason: str) -> str:
    """Return a reason without the path of its log."""
    before, mark, _ = reason.rpartition(LOG)
    return before if mark else reason


def log_of(reason: str) -> str:
    """Return the path of the log; empty if there is none."""
    return reason.rpartition(LOG)[2] if LOG in reason else ""


def with_more(reason: str, more: str) -> str:
    """Return a reason with more words, before the path of its log."""
    path = log_of(reason)
    longer = f"{without_log(reason)}{more}"
    return with_log(longer, path) if path else longer


def on_one_line(reason: str) -> str:
    """Return a reason and the path of its log as one line."""
    return " ".join(reason.replace(LOG, "; log: ").split())
