"""The dialog of `ablate import` on a terminal: one question after another, each with the option that answers it."""

import shlex
import sys
from collections.abc import Callable
from typing import Any

import typer

from ablate.cli.messages import say
from ablate.imports.questions import OpenQuestionError, Question
from ablate.imports.source import Request
from ablate.imports.understanding.study import ImportedStudy

MOST_CHOICES = 30
Read = Callable[[Request], ImportedStudy]


def can_ask() -> bool:
    """Return True if a person sits at the terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_all(read: Read, options: dict[str, Any], make: Callable[..., Request]) -> tuple[ImportedStudy, list[str]]:
    """Ask the questions of a source, and return the study, and the options that the answers stand for.

    `read` understands the source under a request, and `make` makes one of `options`, which the answers complete.
    """
    words: list[str] = []
    asked: set[str] = set()
    while True:
        try:
            study = read(make(**options))
            question = next((each for each in study.questions if each.option not in asked), None)
        except OpenQuestionError as error:
            if error.question.option in asked:
                raise
            question = error.question
        else:
            if question is None:
                return study, words
        asked.add(question.option)
        if answer := _ask(question):
            options |= {"metrics": [answer]} if question.option == "--metric" else {"seed": answer}
            words += [question.option, answer]


def without_questions(words: list[str]) -> str:
    """Return the command that was typed, with the options that answer its questions."""
    return shlex.join(["ablate", *sys.argv[1:], *words, "--yes"])


def _ask(question: Question) -> str:
    """Return the value that a person chooses; empty to leave the option out."""
    say(f"{question.text} ({question.option})")
    shown = question.choices[:MOST_CHOICES]
    for number, choice in enumerate(shown, start=1):
        say(f"  {number}  {choice or 'none'}")
    if len(shown) < len(question.choices):
        say(f"  and {len(question.choices) - len(shown)} more, which can be typed")
    answer: str = typer.prompt("number or value", default="1", err=True)
    if answer.isdigit() and 1 <= int(answer) <= len(shown):
        return shown[int(answer) - 1]
    return answer.strip()
