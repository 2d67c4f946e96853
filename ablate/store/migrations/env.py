"""Alembic's entry: runs on the connection that `database.py` hands over."""

from alembic import context

from ablate.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
