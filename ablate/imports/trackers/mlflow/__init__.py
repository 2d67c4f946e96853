"""The runs that MLflow keeps: in a SQLite database, or in a folder `mlruns`."""
