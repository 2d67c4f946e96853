"""Recognises files that are no logs, to name what they are in one line."""

import csv
import json
from collections.abc import Sequence
from itertools import islice

SEPARATORS = (",", ";", "\t", "|")
MOST_LINES = 20
"""Lines that are looked at."""
MOST_COLUMNS, LONGEST_NAME = 4, 40
"""Columns that are named, and letters of a name."""
HEADINGS = ("# setting", "# study", "accuracy:")
"""Lines that only logs have."""
LOG = "a log has a `# title` heading for each row, and an `accuracy:` list below it"


def other_kind(content: bytes) -> str:
    """Return what a file is that holds no log, as a sentence with what to do; empty if it may be a log."""
    if not content.strip():
        return f"the file is empty; {LOG}"
    if b"\0" in content:
        return f"this is a binary file, not a log; {LOG}"
    text = content.decode("utf-8-sig", "replace")
    lines = [line for line in islice(text.splitlines(), MOST_LINES) if line.strip()]
    if any(line.strip() in HEADINGS for line in text.splitlines()):
        return ""
    if lines and lines[0].lstrip()[:1] in ("{", "[") and _is_json(lines[0], text):
        return f"this is JSON, not a log; import it with `--from table` if it is a list of runs; {LOG}"
    if columns := _columns(lines):
        names = ", ".join(columns[:MOST_COLUMNS]) + (", …" if len(columns) > MOST_COLUMNS else "")
        return f"this is a table of {len(columns)} columns ({names}), not a log; import it with `--from table`"
    return ""


def _is_json(line: str, text: str) -> bool:
    for one in (line, text):
        try:
            json.loads(one)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _columns(lines: Sequence[str]) -> list[str]:
    """Return the names in the first line of a table; empty if the lines are none."""
    lines = [line for line in lines if not line.startswith("#")]
    for separator in SEPARATORS:
        try:
            rows = list(csv.reader(lines, delimiter=separator))
        except csv.Error:
            continue
        if len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            return [name.strip()[:LONGEST_NAME] for name in rows[0] if name.strip()]
    return []
