"""Files of code that are compared with their hashes again and again, for little more than one look at each."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ablate.filesystem import stat_or_none
from ablate.trainers.project.kept_hashes import is_settled, version_of


class VerifiedFiles:
    """The files whose hash was compared, each with the version that it had. Only a file that has changed is read."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], list[int]] = {}
        """{(path, hash): version of the file with this hash}."""

    def changed(self, folder: Path, code: Mapping[str, str], moment: float) -> Iterator[Path]:
        """Yield the files of `code`, {path: hash}, that have another hash now, or are not there.

        `folder`: of the project. `moment`: the time now, in seconds since the epoch.
        """
        for name, digest in code.items():
            path = Path(name)
            status = stat_or_none(path)
            version = status and version_of(status)
            if version is not None and version == self.versions.get((name, digest)):
                continue
            if status is None or _hash(folder, path) != digest:
                yield path
            elif version and is_settled(status, moment):
                self.versions[name, digest] = version


def _hash(folder: Path, path: Path) -> str | None:
    """Return the hash of a file as identities have it; None if it cannot be read."""
    from ablate.trainers.project.code_files import CodeFiles  # slow to import, and most trainings do not need it

    facts = CodeFiles(folder).facts(path)
    return facts.hash if facts else None
