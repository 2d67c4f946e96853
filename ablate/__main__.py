"""The `ablate` command, and `python -m ablate`."""

import gc

from ablate.cli.app import app


def main() -> None:
    """Run the command line; the console script `ablate` calls this."""
    gc.set_threshold(50_000)  # start-up makes objects that stay: looking for garbage would cost a tenth of its time
    app()


if __name__ == "__main__":
    main()
