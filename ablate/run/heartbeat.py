"""Renews the leases of what runs and notes how far it is, from a thread of its own: a step may outlast a lease."""

import threading
from collections.abc import Mapping, Sequence

from ablate.errors import StoreError, StoreGoneError
from ablate.store import Store, work
from ablate.train.interface import Progress

BEAT_SECONDS = 4.0


class Heartbeat(threading.Thread):
    """Beats until it is stopped. `lost`: leases that are no longer ours; `trouble`: the store is not what it was."""

    def __init__(self, store: Store, claims: Mapping[str, work.Claim]) -> None:
        super().__init__(daemon=True)
        self.store, self.claims = store, claims
        self.reached: dict[str, Progress] = {}
        self.lost: set[str] = set()
        self.trouble: StoreGoneError | None = None
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(BEAT_SECONDS):
            try:
                self.store.check()
            except StoreGoneError as trouble:
                self.trouble = trouble
                return
            except StoreError:
                continue
            held = list(self.claims.values())
            if held:
                self._beat(held)

    def stop(self) -> None:
        self.over.set()
        self.join()

    def progressed(self, key: str, progress: Progress) -> None:
        self.reached[key] = progress

    def _beat(self, held: Sequence[work.Claim]) -> None:
        reached = {one.attempt_id: self.reached[one.key] for one in held if one.key in self.reached}
        self.reached.clear()
        try:
            with self.store.write() as connection:
                self.lost |= set(work.beat(connection, [one.lease for one in held]))
                work.note(connection, {attempt: (made.step, made.steps) for attempt, made in reached.items()})
        except StoreError:
            pass  # a store that is locked now may not be at the next beat, well before the lease ends
