"""The store: one database that holds what was asked, what runs, and what came out. SQLAlchemy lives only here."""

from ablate.store.database import Store, open_store, shown

__all__ = ["Store", "open_store", "shown"]
