"""The fixtures of the tests of reports."""

import pytest

from ablate.report.figures import rows


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures in tests of texts: three figures take a second, and have tests of their own."""
    monkeypatch.setattr(rows, "draw_all", lambda *_: [])
