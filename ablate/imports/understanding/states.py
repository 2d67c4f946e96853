"""The states of runs in a table that has a column of them."""

from dataclasses import replace

from ablate.imports.source import DIVERGED, DONE, FAILED, RUNNING, Source

COLUMNS = ("status", "state", "run_status", "run_state")
WORDS = {
    **dict.fromkeys(("done", "finished", "completed", "complete", "success", "succeeded", "ok"), DONE),
    **dict.fromkeys(("running", "pending", "queued", "scheduled", "preempted"), RUNNING),
    **dict.fromkeys(("failed", "fail", "failure", "crashed", "killed", "error", "timeout", "canceled", "oom"), FAILED),
    **dict.fromkeys(("diverged", "nan"), DIVERGED),
}
"""{word of a state in small letters: the state}."""


def with_states(source: Source) -> Source:
    """Return the source with the states of a column `status` or `state`, if it has one with usual words only."""
    if source.states:
        return source
    for name in source.runs.columns:
        if str(name).strip().lower() not in COLUMNS:
            continue
        texts = [str(cell).strip().lower() for cell in source.runs[name]]
        if all(text in WORDS for text in texts):
            return replace(source, states=[WORDS[text] for text in texts])
    return source
