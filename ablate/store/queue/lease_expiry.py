"""Leases that expired: their runner is dead, or has not renewed them for longer than a lease lasts."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, and_, select

from ablate.store.queue.claims import Claim, Reached, lose
from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import ABANDONED, RUNNING, attempts, trainings

LEASE_SECONDS = 15.0
"""Seconds after which a lease that is not renewed has expired."""

LONGEST_GAP = 2.0
"""The most seconds that count between two checks. If this process could not check for longer, the machine may have been
suspended, and the runner could not renew its lease either."""


@dataclass
class LeaseWatch:
    """Finds leases that are no longer renewed.

    Time is measured by the monotonic clock of this process only; clocks of two machines are never compared.
    """

    clock: Callable[[], float] = time.monotonic
    silent: dict[str, tuple[int, float]] = field(default_factory=dict)
    """{lease: (number of its last renewal, seconds since this process first saw that number)}."""
    checked: float = -math.inf
    """When the leases were last checked, by `clock`."""

    def free(self, connection: Connection, reached: Reached) -> int:
        """End the claims whose lease has expired. Return their number."""
        now = self.clock()
        gap, self.checked = min(now - self.checked, LONGEST_GAP), now
        rows = list(connection.execute(_RUNNING))
        self.silent = {row.lease: self._silence(row, gap) for row in rows}
        freed = 0
        for row in rows:
            gone = is_gone(row.process)
            if gone or self.silent[row.lease][1] > LEASE_SECONDS:
                why = "is gone" if gone else f"has been silent for {LEASE_SECONDS:.0f} s"
                claim = Claim(row.key, row.lease, row.id, row.number)
                ended = lose(connection, claim, ABANDONED, f"its runner {row.owner} {why}", reached(row.key))
                freed += ended is not None
        return freed

    def _silence(self, row: "Row[*tuple[object, ...]]", gap: float) -> tuple[int, float]:
        """Return the new entry of `silent` for a running training."""
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
