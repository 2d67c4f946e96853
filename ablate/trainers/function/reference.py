"""The name of a user's function in a study file."""

import re

REFERENCE = re.compile(
    r"(?P<file>[^:]+\.py):(?P<of_file>[A-Za-z_]\w*)|(?P<module>[A-Za-z_][\w.]*):(?P<of_module>[A-Za-z_]\w*)"
)
FORMS = "FILE.py:NAME, such as train.py:main, or PACKAGE.MODULE:NAME"
"""The forms of a reference, for messages."""


def parts_of(reference: str) -> tuple[str | None, str | None, str]:
    """Return the file, or the module, and the name of a function; ValueError if it is no reference."""
    parts = REFERENCE.fullmatch(reference)
    if parts is None:
        raise ValueError(FORMS)
    return parts["file"], parts["module"], parts["of_file"] or parts["of_module"]
