"""Runs whose next trials depend on results: searches, and more seeds for rows with an open verdict."""
