"""One import as a value."""

from typing import NamedTuple


class ImportOf(NamedTuple):
    """One import of one module."""

    level: int
    """The dots before a relative name; 0 for an absolute one."""
    module: str
    """The dotted name; empty for `from . import x`."""
    names: tuple[str, ...]
    """The names taken from the module, which may be modules themselves."""
    is_optional: bool = False
    """True if the code handles that there is no such module."""

    def __str__(self) -> str:
        name = "." * self.level + self.module
        return f"from {name} import {', '.join(self.names)}" if self.names else f"import {name}"
