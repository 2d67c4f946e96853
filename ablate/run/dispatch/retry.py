"""Waiting for a store that cannot be written now: it is locked, its disk is full, or its server is away."""

import time
from collections.abc import Callable

from ablate.errors import StoreError, StoreGoneError

DEADLINE_SECONDS = 60.0
"""How long a result waits in memory for a store that cannot be written."""

PAUSE_SECONDS = 5.0
"""Seconds between two attempts."""


def retry_with_deadline(
    change: Callable[[], None], report: Callable[[str], None], must_end: Callable[[], bool]
) -> None:
    """Call `change`, which writes to the store, until it succeeds.

    `report` receives a line for each attempt that failed. Raises the store's error after DEADLINE_SECONDS, at the
    first attempt if `must_end()`, and StoreGoneError always: trying again cannot help there.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            return change()
        except StoreGoneError:
            raise
        except StoreError as error:
            if time.monotonic() > deadline or must_end():
                raise
            report(f"{error}; trying again")
            time.sleep(PAUSE_SECONDS)
