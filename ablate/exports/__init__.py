"""Results written for other programs: values as the store has them, nothing rounded and nothing judged."""
