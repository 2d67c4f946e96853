"""Questions about a source that only a user can answer, each with the option that answers it in a command."""

from dataclasses import dataclass

from ablate.errors import SourceError


@dataclass(frozen=True)
class Question:
    """A question about a source."""

    option: str
    """The option that answers it: `--metric`."""
    text: str
    choices: tuple[str, ...]
    """Values of the option; the first is used without an answer, and an empty one leaves the option out."""


class OpenQuestionError(SourceError):
    """A source that cannot be understood without an answer. The message has the options to type."""

    def __init__(self, message: str, question: Question) -> None:
        super().__init__(message)
        self.question = question
