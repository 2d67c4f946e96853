"""The picture in docs/architecture.md names the folders of the package, no more and no fewer."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
LINE = re.compile(r"^( *)([\w]+)/ +\S")


def drawn_folders() -> list[str]:
    """The folders of the picture as paths below the checkout, in its order."""
    block = PAGE.read_text(encoding="utf-8").split("```")[1]
    path: list[str] = []
    folders = []
    for line in block.strip().splitlines():
        match = LINE.match(line)
        assert match, f"a line of the picture names no folder: {line!r}"
        path[len(match[1]) // 2 :] = [match[2]]
        folders.append("/".join(path))
    return folders


def package_folders() -> set[str]:
    """The folders of the package that hold modules; the versions of the tables are data of their folder."""
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "ablate").rglob("*.py")}
    return {folder for folder in folders if not folder.endswith("migrations/versions")}


def test_the_picture_names_every_folder_once() -> None:
    folders = drawn_folders()
    assert len(folders) == len(set(folders))
    assert set(folders) == package_folders()


def test_the_picture_is_short() -> None:
    assert len(drawn_folders()) <= 80
