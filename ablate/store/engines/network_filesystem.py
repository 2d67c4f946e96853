"""Whether a file lies on a network file system, where SQLite's locks cannot be trusted between machines."""

import re
from pathlib import Path

SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "beegfs", "ceph", "glusterfs", "gpfs", "lustre"}
FUSE = {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.juicefs"}


def warning(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """What to know of a store on a network file system; None on another. `mounts`: see proc(5)."""
    system = _system(path.absolute().parent.resolve(), mounts)
    if system not in SYSTEMS | FUSE:
        return None
    return (
        f"{path} lies on a network file system ({system}): runners on this machine alone may use it; "
        "several machines need PostgreSQL (--store postgresql://USER@HOST/DATABASE)"
    )


def _system(folder: Path, mounts: Path) -> str | None:
    """The kind of the file system that a folder is on: of the longest mount point above it, the last mounted there."""
    try:
        lines = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    except OSError:
        return None
    above = [(Path(_plain(point)), kind) for _, point, kind, *_ in lines]
    holding = [(len(point.parts), number, kind) for number, (point, kind) in enumerate(above) if _holds(point, folder)]
    return max(holding, default=(0, 0, None))[2]


def _holds(point: Path, folder: Path) -> bool:
    return folder == point or point in folder.parents


def _plain(escaped: str) -> str:
    r"""A mount point as it is: spaces and the like are written \040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), escaped)
