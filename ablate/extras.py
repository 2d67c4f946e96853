"""Libraries that only a part of the package needs, and that its core therefore does not bring."""

from dataclasses import dataclass
from importlib.util import find_spec

from ablate.text import listed

INSTALLED_AS = {"sklearn": "scikit-learn"}
"""{name of an import: name of its package} if these differ."""


@dataclass(frozen=True)
class OptionalLibraries:
    """Libraries that a part of the package needs, such as a trainer or a sampler."""

    modules: tuple[str, ...]
    """The names under which they are imported."""
    command: str
    """The command that installs them."""

    def missing(self) -> list[str]:
        """Return the packages that are not installed. Nothing is imported, so this is quick."""
        return [INSTALLED_AS.get(name, name) for name in self.modules if find_spec(name) is None]

    def fault(self) -> str | None:
        """Return which packages are needed and not installed, and the command to type; None if all are installed."""
        missing = self.missing()
        if not missing:
            return None
        are, them = ("are", "them") if len(missing) > 1 else ("is", "it")
        return f"needs {listed(missing)}, which {are} not installed; install {them} with `{self.command}`"


def extra(name: str) -> str:
    """Return the command that installs an extra of the package."""
    return f"pip install 'ablate-study[{name}]'"


PARQUET = OptionalLibraries(("pyarrow",), extra("parquet"))
"""The libraries that read and write Parquet files."""
