"""The messages of a function's process: progress, and results on the way, which a search may answer by ending it."""

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablate.measurement import VALIDATION, Interim, Measurement
from ablate.trainers.protocol import Judge, Progress

CHUNK = 65_536
"""Bytes that are read at once."""


class MessageChannel:
    """Receives the messages of one child process."""

    def __init__(self, progress: Callable[[Progress], None], judge: Judge | None) -> None:
        """`judge`: None if no intermediate result is judged."""
        self.progress, self.judge = progress, judge
        self.own, self.child = socket.socketpair()
        self.child_fds: Sequence[int] = (self.child.fileno(),)
        self.begun: int | None = None
        self.ended_at: float | None = None
        self._rest = b""

    def fileno(self) -> int:
        """Return the file descriptor that becomes readable when there is a message."""
        return self.own.fileno()

    def receive(self) -> None:
        """Read the messages that are there, and act on them."""
        self._rest += self.own.recv(CHUNK)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._act(json.loads(line))

    def close(self) -> None:
        """Close both ends."""
        self.own.close()
        self.child.close()

    def _act(self, message: Mapping[str, Any]) -> None:
        if "progress" in message:
            step, steps, loss = message["progress"]
            self.begun = max(step - 1, 0) if self.begun is None else self.begun
            self.progress(Progress(step, steps, loss, begun=min(self.begun, step)))
            return
        fraction, metrics = message["report"]["fraction"], message["report"]["metrics"]
        measured = [Measurement(name, VALIDATION, value) for name, value in metrics.items()]
        goes_on = self.judge is None or self.judge(Interim(fraction, measured))
        if not goes_on:
            self.ended_at = fraction
        self.own.sendall(b"true\n" if goes_on else b"false\n")
