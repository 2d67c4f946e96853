"""What a run shows while it runs: a live table on a terminal, plain lines elsewhere; all on stderr."""

from ablate.cli.live.show import watch

__all__ = ["watch"]
