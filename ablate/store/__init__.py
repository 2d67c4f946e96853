"""The store: one database with the plans, the queue and the results of studies. Only this package uses SQLAlchemy."""

from sqlalchemy import Connection

from ablate.store.database import Store, find_store, open_store, require_store, shown

__all__ = ["Connection", "Store", "find_store", "open_store", "require_store", "shown"]
