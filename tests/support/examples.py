"""The number of examples of property tests, by tier: few in the quick tier, all of them in the other."""

from hypothesis import settings

QUICK, THOROUGH = "quick", "thorough"
"""Profiles of Hypothesis. `make test` takes the first, `make test-all` names the second."""

SHARE = 5
"""The quick tier tries one example in this many."""


def register_profiles() -> None:
    """Register both profiles and load the quick one; `--hypothesis-profile` loads another afterwards."""
    settings.register_profile(QUICK, max_examples=100 // SHARE, deadline=None)
    settings.register_profile(THOROUGH, max_examples=100, deadline=None)
    settings.load_profile(QUICK)


def examples(count: int) -> int:
    """Return `count` in the thorough profile, a fifth of it and at least five in the quick one."""
    return count if settings.get_current_profile_name() == THOROUGH else max(5, count // SHARE)
