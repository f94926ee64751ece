"""The entry point: ``paxtui``, and ``python -m paxtui``."""

import sys

from paxtui.stdio.startup import prepare


def main() -> None:
    """Get ready for signals, then import and run the command line, which takes a moment."""
    prepare(sys.argv[1:])
    from paxtui.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
