"""The declaration of a command in a study file."""

from typing import Annotated

from pydantic import Field

from ablate.trainers.config import ListOf, Section
from ablate.trainers.declared.spec import DeclaredSpec, Item, Text


class ResumeSpec(Section):
    """How an attempt continues from the state that an earlier one has saved."""

    args: Annotated[tuple[Item, ...], ListOf, Field(min_length=1)] = Field(
        description="Further arguments, if the file is there."
    )
    file: Text = Field(alias="if", description="The file in ${dir} that holds a saved state.")


class CommandSpec(DeclaredSpec):
    """A command that trains and prints or writes its results."""

    command: Annotated[tuple[Item, ...], ListOf, Field(min_length=1)] = Field(
        description="The program and its arguments, as a list; ${args}, ${seed}, ${dir} and ${KEY} are replaced."
    )
    resume: ResumeSpec | None = Field(None, description="How an attempt continues from a saved state.")
