"""A trainer that is any command: the user's own training script, run as a process of its own."""
