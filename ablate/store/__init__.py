"""The store: one database that holds what was asked, what runs, and what came out. SQLAlchemy lives only here."""

from sqlalchemy import Connection

from ablate.store.database import Store, find_store, open_store, require_store, shown

__all__ = ["Connection", "Store", "find_store", "open_store", "require_store", "shown"]
