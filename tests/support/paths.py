"""Folders and files that tests read: the checkout, its studies and its log of a real experiment."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""

STUDIES = ROOT / "tests" / "studies"
"""Studies of the tests' own."""

SIMULATED = STUDIES / "simulated.yaml"
TINY = STUDIES / "tiny.yaml"
BNNECK = ROOT / "studies" / "bnneck.yaml"
SEED_LOG = ROOT / "studies" / "reference" / "baseline-log.md"
