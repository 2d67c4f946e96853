"""Leases of others: whose runner is dead, or has been silent for longer than a lease lasts."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, and_, select

from ablate.store.queue.claims import Claim, Reached, lose
from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import ABANDONED, RUNNING, attempts, trainings

LEASE_SECONDS = 15.0

LONGEST_GAP = 2.0
"""What the time between two looks counts at most: if nobody could look, perhaps nobody could beat either."""


@dataclass
class LeaseWatch:
    """Silence is what this process sees by its own steady clock: no clock is compared with another's."""

    clock: Callable[[], float] = time.monotonic
    silent: dict[str, tuple[int, float]] = field(default_factory=dict)
    looked: float = -math.inf

    def free(self, connection: Connection, reached: Reached) -> int:
        """Takes away the leases that are abandoned; how many there were."""
        now = self.clock()
        gap, self.looked = min(now - self.looked, LONGEST_GAP), now
        found = list(connection.execute(_RUNNING))
        self.silent = {row.lease: self._heard(row, gap) for row in found}
        freed = 0
        for row in found:
            gone = is_gone(row.process)
            if gone or self.silent[row.lease][1] > LEASE_SECONDS:
                why = "is gone" if gone else f"has been silent for {LEASE_SECONDS:.0f} s"
                held = Claim(row.key, row.lease, row.id, row.number)
                freed += (
                    lose(connection, held, ABANDONED, f"its runner {row.owner} {why}", reached(row.key)) is not None
                )
        return freed

    def _heard(self, row: "Row[*tuple[object, ...]]", gap: float) -> tuple[int, float]:
        """(beats, seconds since the last that was new)."""
        beats, silent = self.silent.get(row.lease, (row.beats, -gap))
        return (row.beats, silent + gap) if row.beats == beats else (row.beats, 0.0)


_RUNNING = (
    select(
        trainings.c.key,
        trainings.c.lease,
        trainings.c.owner,
        trainings.c.process,
        trainings.c.beats,
        attempts.c.id,
        attempts.c.number,
    )
    .join(attempts, and_(attempts.c.training_key == trainings.c.key, attempts.c.number == trainings.c.attempts))
    .where(trainings.c.state == RUNNING)
)
