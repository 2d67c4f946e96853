"""The operations that the commands and a notebook share. Each function lists its steps in order."""
