"""Renews the leases of what runs and notes how far it is, from a thread of its own: a step may outlast a lease."""

import threading
from collections.abc import Mapping, Sequence

from ablate.errors import StoreError, StoreGoneError
from ablate.store import Store
from ablate.store.queue import claims as work
from ablate.trainers.protocol import Progress

BEAT_SECONDS = 4.0
STOP_SECONDS = 1.0


class Heartbeat(threading.Thread):
    """Beats until it is stopped. `lost`: leases that are no longer ours; `trouble`: the store is not what it was.

    `claims` is what runs, and `reached` how far it is, by key.
    """

    def __init__(self, store: Store, claims: Mapping[str, work.Claim], reached: Mapping[str, Progress]) -> None:
        super().__init__(daemon=True)
        self.store, self.claims, self.reached = store, claims, reached
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
        self.join(STOP_SECONDS)  # it may be waiting for a store that is locked; it dies with the process

    def _beat(self, held: Sequence[work.Claim]) -> None:
        try:
            with self.store.write() as connection:
                self.lost |= set(work.beat(connection, [one.lease for one in held]))
                for one in held:
                    if (made := self.reached.get(one.key)) is not None:
                        work.note(connection, one, made.step, made.steps)
        except StoreError:
            pass  # a store that is locked now may not be at the next beat, well before the lease ends
