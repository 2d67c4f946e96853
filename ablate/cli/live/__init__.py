"""The display of a run: a live table on a terminal, plain lines elsewhere; all on stderr."""

from ablate.cli.live.show import TerminalObserver

__all__ = ["TerminalObserver"]
