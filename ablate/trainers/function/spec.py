"""The declaration of a function in a study file."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from ablate.trainers.declared.spec import DeclaredSpec, Text
from ablate.trainers.function.reference import FORMS, parts_of


def _reference(text: str) -> str:
    parts_of(text)
    return text


Reference = Annotated[Text, AfterValidator(_reference)]
"""A function, by its file or by its module."""


class FunctionSpec(DeclaredSpec):
    """A function that trains and returns its results."""

    silence: ClassVar[str] = "no output, no changed file in run.dir and no call of run.progress"
    function: Reference = Field(description=f"The function that trains: {FORMS}.")
    evaluate: Reference | None = Field(
        None,
        description="A function that evaluates what `function` has saved, if the two are apart; then the section "
        "`evaluate` of the config costs no training.",
    )
