"""What is on the disk once a call returns, whatever happens to the machine then."""

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Writes a file."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last: of files that were made, renamed or removed."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
