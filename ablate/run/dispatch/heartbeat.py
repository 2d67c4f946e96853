"""A thread that renews the leases of running trainings and records their progress.

It is a thread of its own because one step of a training may take longer than a lease lasts.
"""

import threading
from collections.abc import Mapping, Sequence

from ablate.errors import StoreError, StoreGoneError
from ablate.store import Store
from ablate.store.queue import claims
from ablate.store.queue.claims import Claim
from ablate.trainers.protocol import Progress

BEAT_SECONDS = 4.0
STOP_SECONDS = 1.0


class Heartbeat(threading.Thread):
    """Renews the leases of `running` until it is stopped."""

    lost: set[str]
    """Leases that another runner has taken away."""
    error: StoreGoneError | None
    """Set when the store is no longer the one that was opened; the thread has ended then."""

    def __init__(self, store: Store, running: Mapping[str, Claim], progress: Mapping[str, Progress]) -> None:
        """Take {training key: claim} and {training key: progress}; both change while the thread reads them."""
        super().__init__(daemon=True)
        self.store, self.running, self.progress = store, running, progress
        self.lost = set()
        self.error = None
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                self.store.check()
            except StoreGoneError as error:
                self.error = error
                return
            except StoreError:
                continue
            if running := list(self.running.values()):
                self._renew(running)

    def stop(self) -> None:
        self._stopped.set()
        self.join(STOP_SECONDS)  # it may be waiting for a store that is locked; it dies with the process

    def _renew(self, running: Sequence[Claim]) -> None:
        try:
            with self.store.write() as connection:
                self.lost |= set(claims.beat(connection, [claim.lease for claim in running]))
                for claim in running:
                    if (reached := self.progress.get(claim.key)) is not None:
                        claims.note(connection, claim, reached.step, reached.steps)
        except StoreError:
            pass  # a store that is locked now may not be at the next beat, well before the lease ends
