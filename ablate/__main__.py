"""The `ablate` command, and `python -m ablate`."""

import gc
import sys

from ablate.cli.app import app
from ablate.cli.command_line import WRONG
from ablate.cli.terminal import flush_streams, is_of_stream, prepare_streams


def main() -> None:
    """Run the command line; the console script `ablate` calls this."""
    gc.set_threshold(50_000)  # start-up makes objects that stay: looking for garbage would cost a tenth of its time
    prepare_streams()
    try:
        app(prog_name="ablate")
    except (OSError, SystemExit) as end:
        fault = flush_streams() or (end if isinstance(end, OSError) and is_of_stream(end) else None)
        if fault is None:
            raise
        print(f"stdout cannot be written: {fault.strerror}", file=sys.stderr)
        sys.exit((end.code if isinstance(end, SystemExit) else None) or WRONG)


if __name__ == "__main__":
    main()
