"""The folder that `ablate check` puts at the front of PYTHONPATH, for the user's script alone."""
