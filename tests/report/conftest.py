"""What tests of reports share."""

import pytest

from ablate.report.figures import rows


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws no figure where a test is about words: three take a second, and have tests of their own."""
    monkeypatch.setattr(rows, "draw_all", lambda *_: [])
