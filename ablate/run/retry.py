"""Waiting for a store that cannot be written now: locked, without room, or its server away."""

import time
from collections.abc import Callable

from ablate.errors import StoreError, StoreGoneError

PATIENCE_SECONDS = 60.0
"""How long a result waits in memory for a store that cannot be written."""

PAUSE_SECONDS = 5.0


def patiently(change: Callable[[], None], said: Callable[[str], None], has_to_end: Callable[[], bool]) -> None:
    """Changes the store as soon as it can be written; raises what stands in the way after PATIENCE_SECONDS.

    `said` is told of each try that failed; a run that `has_to_end` tries once.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return change()
        except StoreGoneError:
            raise
        except StoreError as trouble:
            if time.monotonic() > deadline or has_to_end():
                raise
            said(f"{trouble}; trying again")
            time.sleep(PAUSE_SECONDS)
