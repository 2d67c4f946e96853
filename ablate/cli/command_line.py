"""The classes of the command line: help without types, `-h`, errors in one style, and the context for hints."""

import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from typer.core import TyperCommand, TyperGroup

from ablate.cli.hints import CURRENT
from ablate.cli.messages import PROGRAM, say, unknown_command, usage_fault
from ablate.errors import AblateError

WRONG = 2
"""The exit code of a request that is wrong."""

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 80}
"""Settings of every command."""

_TYPE = re.compile(r" <[^<>]*>(?:\.\.\.)?")
_RANGE = re.compile(r"(?:; )?x[<>]=?-?\d+|; required|\brequired\b")


class UnknownCommandError(AblateError):
    """A command that does not exist."""


class StudyCommand(TyperCommand):
    """A command. Its context is known while it runs, so that hints can repeat what was typed."""

    def invoke(self, ctx: Any) -> Any:
        token = CURRENT.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            CURRENT.reset(token)

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words of a command. Every error of typer gets the command that it is about."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "ctx", ctx) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise

    def get_short_help_str(self, limit: int = 45) -> str:
        return summary(self.short_help or self.help or "")

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [_plain(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        write_parameters(self, ctx, formatter)


class CommandLine(TyperGroup):
    """A group of commands: the program itself, or commands that share a first word."""

    def main(  # the signature of typer's own
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line. In standalone mode this ends the process with its exit code."""
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        try:
            code = run()
        except UnknownCommandError as error:
            say(str(error))
            sys.exit(WRONG)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            is_help = type(error).__name__ == "NoArgsIsHelpError"
            print(error.format_message(), file=sys.stderr) if is_help else say(usage_fault(error))
            sys.exit(getattr(error, "exit_code", WRONG))
        sys.exit(code if isinstance(code, int) else 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            path = PROGRAM if ctx.parent is None else f"{PROGRAM} {ctx.info_name}"
            raise UnknownCommandError(unknown_command(name, self.list_commands(ctx), path))
        return super().resolve_command(ctx, args)

    def get_short_help_str(self, limit: int = 45) -> str:
        return summary(self.short_help or self.help or "")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under the headings of their groups, in the order of the table of commands."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                heading = getattr(command, "rich_help_panel", None) or "Commands"
                groups.setdefault(str(heading), []).append((name, command.get_short_help_str()))
        for heading, rows in groups.items():
            with formatter.section(heading):
                formatter.write_dl(rows, col_max=12)


def summary(text: str) -> str:
    """Return the first sentence of a help text, without its full stop."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"\. (?=[A-Z`])", paragraph)[0].removesuffix(".")


def write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    """Write the arguments and options of a command, each with the name of its value and no type."""
    records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for param in command.get_params(ctx):
        if (record := param.get_help_record(ctx)) is not None:
            name = record[0] if getattr(param, "metavar", None) else _TYPE.sub("", record[0])
            records[param.param_type_name].append((_TYPE.sub("", name), _without_range(record[1])))
    for heading, rows in (("Arguments", records["argument"]), ("Options", records["option"])):
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)


def _without_range(text: str) -> str:
    """Return a help text without typer's notes of ranges and of what is required; metavars and usage show these."""
    return re.sub(r"\s*\[\s*\]", "", re.sub(r"\[[^\[\]]*\]$", lambda note: _RANGE.sub("", note[0]), text)).rstrip()


def _plain(piece: str) -> str:
    """Return a piece of a usage line without the braces of a required argument."""
    return re.sub(r"^\{(.*)\}(\.\.\.)?$", r"\1\2", piece).replace("......", "...")
