"""The modules that Python code imports, read from its text. Nothing is imported."""
