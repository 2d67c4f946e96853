"""The store: one database that holds what was asked, what runs, and what came out. SQLAlchemy lives only here."""

from ablate.store.database import DEFAULT_URL, Store, open_store

__all__ = ["DEFAULT_URL", "Store", "open_store"]
