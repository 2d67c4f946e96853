"""Trainers: how one trial is trained. This package knows no study. Importing it imports no torch."""
