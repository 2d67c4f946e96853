"""The user's files that decide a result: scripts, the modules they import, and data. Nothing of them is run."""
