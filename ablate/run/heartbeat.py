"""Renews the leases of what runs, from a thread of its own: a step may take longer than a lease."""

import threading
from collections.abc import Mapping

from ablate.errors import StoreError
from ablate.store import Store, work

BEAT_SECONDS = 4.0


class Heartbeat(threading.Thread):
    """Beats until it is stopped. `lost`: leases that are no longer ours; `trouble`: the store is not what it was."""

    def __init__(self, store: Store, claims: Mapping[str, work.Claim]) -> None:
        super().__init__(daemon=True)
        self.store, self.claims = store, claims
        self.lost: set[str] = set()
        self.trouble: StoreError | None = None
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(BEAT_SECONDS):
            try:
                self.store.check()
            except StoreError as trouble:
                self.trouble = trouble
                return
            leases = [held.lease for held in list(self.claims.values())]
            if leases:
                self._beat(leases)

    def stop(self) -> None:
        self.over.set()
        self.join()

    def _beat(self, leases: list[str]) -> None:
        try:
            with self.store.write() as connection:
                self.lost |= set(work.beat(connection, leases))
        except StoreError:
            pass  # a store that is locked now may not be at the next beat, well before the lease ends
