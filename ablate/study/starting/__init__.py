"""First study files: a script, a function or a shell script is read, never run, and becomes a study to begin with."""
