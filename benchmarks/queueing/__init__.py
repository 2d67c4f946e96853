"""The parts of `benchmarks/queue.py`, and what they share."""
