"""A clock that a test moves by hand."""


class Clock:
    """A clock whose `now`, in seconds, changes only when a test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
