"""Study files given as text: the study that is read, or its faults."""

from pathlib import Path

import pytest

from ablate.errors import StudyError
from ablate.study.model import Study
from ablate.study.reading.study_reader import read_study


def read(tmp_path: Path, text: str, **options: object) -> Study:
    """Write the text to a file and read it as a study."""
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return read_study(path, **options)  # type: ignore[arg-type]


def faults(tmp_path: Path, text: str, **options: object) -> list[str]:
    """Return the faults of a text that is no study."""
    with pytest.raises(StudyError) as caught:
        read(tmp_path, text, **options)
    return [fault.replace(str(tmp_path) + "/", "") for fault in caught.value.faults]


def levels(study: Study) -> dict[str, dict[str, object]]:
    """Return the levels that differ from the baseline: {row: {factor: level}}."""
    return {
        row.label: {f.name: row.levels[f.name].name for f in study.factors if row.levels[f.name] is not f.baseline}
        for row in study.rows
    }


def filled(text: str, **parts: object) -> str:
    """Return the text with each name in angle brackets, such as `<rows>`, replaced by its part."""
    for name, part in parts.items():
        text = text.replace(f"<{name}>", str(part))
    return text
