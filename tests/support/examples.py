"""The number of examples of property tests and of random kills, by tier: few in the quick one, all in the last."""

from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

QUICK, THOROUGH, EXHAUSTIVE = "quick", "thorough", "exhaustive"
"""Profiles of Hypothesis: those of `make test`, of `make test-all`, and of `make test-all PROFILE=exhaustive`."""

SHARE = 5
"""The quick tier tries one example in this many."""

MOST = 2000
"""The most examples of a test in `make test-all`."""


def register_profiles() -> None:
    """Register the profiles and load the quick one; `--hypothesis-profile` loads another afterwards."""
    settings.register_profile(QUICK, max_examples=100 // SHARE, deadline=None)
    for name in (THOROUGH, EXHAUSTIVE):
        settings.register_profile(name, max_examples=100, deadline=None)
    settings.load_profile(QUICK)


def examples(count: int) -> int:
    """Return `count` in the exhaustive profile, at most MOST in the thorough one, a fifth in the quick one."""
    profile = settings.get_current_profile_name()
    if profile == QUICK:
        return max(5, count // SHARE)
    return count if profile == EXHAUSTIVE else min(count, MOST)


def by_profile(usual: T, exhaustive: T) -> T:
    """Return `exhaustive` in the exhaustive profile, otherwise `usual`: the repetitions of a slow step, say."""
    return exhaustive if settings.get_current_profile_name() == EXHAUSTIVE else usual
