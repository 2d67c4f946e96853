"""The events of a run, for a display, a log or a notebook that follows it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from ablate.trainers.protocol import Progress


@dataclass(frozen=True)
class RunOutline:
    """The trainings that a run is about to dispatch. A search begins with none and adds them one by one."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """{training key: label of its first row, with the number of other rows that share it, and the seed if several}."""
    states: Mapping[str, str] = field(default_factory=dict)
    """{training key: its state before the run: queued, running, done, failed or diverged}."""
    expected_seconds: Mapping[str, float] = field(default_factory=dict)
    """{training key: seconds that it will take}, for trainings of which finished ones of the same shape are known."""


class Observer:
    """Receives the events of a run. Every method does nothing: override those that you need.

    `key` is a training key; the labels of `dispatching` and `added` name its rows. All methods are called in the
    process that called `run_study`, and should return quickly: the queue waits meanwhile.
    """

    def message(self, text: str) -> None:
        """Show a warning or a piece of news about the run as a whole, one line of text."""

    def dispatching(self, outline: RunOutline) -> AbstractContextManager["Observer"]:
        """Return a context that is entered when trainings are about to start, and left when the last has ended.

        It yields the receiver of their events, by default this observer. A run with looks enters one for each look.
        """
        return nullcontext(self)

    def added(self, key: str, label: str) -> None:
        """A search proposed another training, which waits now."""

    def started(self, key: str) -> None:
        """This runner has claimed the training and starts it."""

    def progressed(self, key: str, progress: Progress) -> None:
        """The training has reached a step."""

    def ended(self, key: str, reason: str | None) -> None:
        """The training is done, or has failed with this reason."""

    def diverged(self, key: str, reason: str) -> None:
        """The training has ended for good without a result, because its values are not finite."""

    def pruned(self, key: str, reason: str) -> None:
        """The search stopped the training early, because its result would not be among the best."""

    def requeued(self, key: str, reason: str) -> None:
        """The training goes back to the queue, because it was killed, or was interrupted. It will start again."""

    def waiting(self, elsewhere: int) -> None:
        """This runner has nothing to start; `elsewhere` trainings are held by other runners."""

    def counted(self, done: int, failed: int, total: int, diverged: int = 0) -> None:
        """The numbers of trainings that are done, have failed, were requested, and have diverged, by all runners."""

    def stopping(self) -> None:
        """Ctrl-C was pressed once: running trainings finish or save a checkpoint, then the run ends."""
