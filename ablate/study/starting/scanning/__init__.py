"""Scripts, read without running them: their options, their functions, and the metrics that they print or write."""
