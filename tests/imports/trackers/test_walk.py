"""Files below a folder: their order, and links that lead back."""

from pathlib import Path

from ablate.imports.trackers.walk import files_below, glimpse


def test_files_are_sorted_by_numbers_and_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"version_{number}").mkdir()
        (tmp_path / f"version_{number}" / "metrics.csv").write_text("acc\n")
    (tmp_path / "version_1" / "loop").symlink_to(tmp_path)
    (tmp_path / "version_2" / "gone.csv").symlink_to(tmp_path / "nothing")
    below = files_below(tmp_path, lambda name: name.endswith(".csv"))
    assert [path.parent.name for path in below] == ["version_1", "version_2", "version_10"]
    assert next(glimpse(tmp_path, lambda name: name == "metrics.csv")).name == "metrics.csv"
    assert files_below(tmp_path / "version_1" / "metrics.csv", bool) == []
