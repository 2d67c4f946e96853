"""What goes wrong, in words that a user can act on. The command line prints these and exits with 2."""


class AblateError(Exception):
    """A request that cannot be carried out as it stands: what is wrong, where, and what to do."""


class StudyError(AblateError):
    """A study file, profile or override that cannot be read; carries every fault found, one a line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class DataError(AblateError):
    """A data set that is missing, incomplete or corrupt: which file, and what to get or do."""


class StoreError(AblateError):
    """A store that cannot be opened, read or written: which one, and what to do."""


class LogError(AblateError):
    """An experiment log that does not have the form that `ablate import` reads."""
