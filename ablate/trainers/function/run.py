"""The argument `run` of a user's function: its folder, and its messages to the program that runs it."""

import json
import math
import os
import signal
import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

MOST_POINTS = 1_000
"""The largest number of points that are kept of the curve of a training."""


class EndedEarly(BaseException):
    """Raised by `Run.report` if the search ends the training. It passes through `except Exception`."""


class Run:
    """One training, as the user's function sees it."""

    def __init__(self, folder: Path, attempt: int, channel: socket.socket | None, with_examples: Sequence[str]) -> None:
        """`channel`: to the program that runs the function; None if there is none. `with_examples`: metrics."""
        self.dir = folder
        self.attempt = attempt
        self.curve: list[tuple[int, float]] = []
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.has_stopped = False
        self._channel = channel
        self._answers = channel.makefile("r", encoding="utf-8") if channel else None
        self._with_examples = with_examples
        self._stop_requested = False

    def progress(self, step: int, steps: int, **values: float) -> None:
        """Report that `step` of `steps` is done. The first of the values, such as a loss, is kept as a curve."""
        value = next((_number(value) for value in values.values()), None)
        if value is not None:
            self.curve.append((int(step), value))
            if len(self.curve) > 2 * MOST_POINTS:
                self.curve = self.curve[::2]
        loss = _number(values["loss"]) if "loss" in values else value
        self._send({"progress": [int(step), int(steps), loss if loss is None or math.isfinite(loss) else None]})

    def should_stop(self) -> bool:
        """Return True if the training should save its state in `dir` and return. It is continued later."""
        self.has_stopped = self.has_stopped or self._stop_requested
        return self.has_stopped

    def report(self, fraction: float, **metrics: float) -> None:
        """Report values on validation data when this fraction of the training, in (0, 1], is done.

        A search may end the training here. Save a checkpoint before, so that it can be continued. Values at the end,
        with a fraction of 1, are accepted and not used: there is nothing left to save.
        """
        if not 0 < fraction <= 1:
            raise ValueError(f"run.report: the fraction is {fraction}; accepted: numbers above 0, and at most 1")
        if fraction == 1:
            return
        self._send({"report": {"fraction": float(fraction), "metrics": {k: _number(v) for k, v in metrics.items()}}})
        if self._answers is not None and not json.loads(self._answers.readline() or "false"):
            raise EndedEarly

    def examples(
        self,
        metric: str,
        values: Iterable[float],
        ids: Iterable[object] | None = None,
        clusters: Iterable[object] | None = None,
    ) -> None:
        """Report the value of a metric for each test example, with their names, and with their clusters.

        The study file must declare it: `examples: run.examples`. The metric's value is their mean.
        """
        if metric not in self._with_examples:
            raise ValueError(
                f"run.examples: metric {metric!r} has no examples in the study file; write under metrics: "
                f"`{metric}: {{..., examples: run.examples}}`"
            )
        numbers = [_number(value) for value in _listed(values)]
        outcome = {
            "values": numbers,
            "ids": None if ids is None else [str(each) for each in _listed(ids)],
            "clusters": None if clusters is None else [str(each) for each in _listed(clusters)],
        }
        for name in ("ids", "clusters"):
            column = outcome[name]
            if column is not None and len(column) != len(numbers):
                raise ValueError(f"run.examples: {len(numbers)} values of {metric!r}, but {len(column)} {name}")
        if not numbers:
            raise ValueError(f"run.examples: there is no value of {metric!r}")
        if twice := next((name for name, count in Counter(outcome["ids"] or ()).items() if count > 1), None):
            raise ValueError(f"run.examples: two values of {metric!r} have the id {twice!r}; each example has its own")
        self.outcomes[metric] = outcome

    def catch_signals(self) -> None:
        """Take SIGTERM as the request to stop."""

        def request(number: int, frame: FrameType | None) -> None:
            self._stop_requested = True

        signal.signal(signal.SIGTERM, request)
        os.register_at_fork(after_in_child=_end_at_sigterm)

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._channel is not None:
            self._channel.sendall(json.dumps(message).encode() + b"\n")


def _end_at_sigterm() -> None:
    """Let a process that the function forks end at SIGTERM: pools of processes are ended so."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _listed(values: Iterable[Any]) -> list[Any]:
    """Return values as a list; arrays and tensors too."""
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    return plain if isinstance(plain, list) else [plain]


def _number(value: Any) -> float:
    """Return a number, also of an array or tensor with one element."""
    return float(value.item() if hasattr(value, "item") else value)
