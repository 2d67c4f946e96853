"""Databases of trackers and of searches, opened read-only."""
