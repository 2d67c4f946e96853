"""The loop of a run: trainings are claimed, handed to workers, and their results written."""
