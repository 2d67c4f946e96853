"""Results of lm-evaluation-harness."""
