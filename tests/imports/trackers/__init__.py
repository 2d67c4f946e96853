"""The readers of trackers."""
