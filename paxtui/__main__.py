"""``python -m paxtui`` is ``paxtui``."""

from paxtui.cli.main import main

if __name__ == "__main__":
    main()
