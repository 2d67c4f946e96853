"""Detecting a network file system, on which SQLite's locks do not work reliably between machines."""

import re
from pathlib import Path

SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "beegfs", "ceph", "glusterfs", "gpfs", "lustre"}
FUSE = {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.juicefs"}


def warning(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """Return a warning if a store lies on a network file system, otherwise None. For `mounts`, see proc(5)."""
    system = _system(path.absolute().parent.resolve(), mounts)
    if system not in SYSTEMS | FUSE:
        return None
    return (
        f"{path} lies on a network file system ({system}): runners on this machine alone may use it; "
        "several machines need PostgreSQL (--store postgresql://USER@HOST/DATABASE)"
    )


def _system(folder: Path, mounts: Path) -> str | None:
    """Return the type of the file system of a folder: the last one mounted at the longest mount point above it."""
    try:
        lines = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    except OSError:
        return None
    mounted = [(Path(_plain(point)), kind) for _, point, kind, *_ in lines]
    holding = [
        (len(point.parts), number, kind) for number, (point, kind) in enumerate(mounted) if _holds(point, folder)
    ]
    return max(holding, default=(0, 0, None))[2]


def _holds(point: Path, folder: Path) -> bool:
    return folder == point or point in folder.parents


def _plain(escaped: str) -> str:
    r"""Return a mount point without escapes: a space is written \040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), escaped)
