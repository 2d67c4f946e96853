"""Wiring checks: results that are equal although a seed or a factor should have made them differ."""
