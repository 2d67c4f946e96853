"""The check of a study: one row is trained, and its end, its numbers and its settings are looked at."""
