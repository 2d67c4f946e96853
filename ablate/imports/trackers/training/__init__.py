"""Folders that training libraries write, one folder a run."""
