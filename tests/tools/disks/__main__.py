"""``python -m tests.tools.disks``: see :mod:`tests.tools.disks.inject`."""

from tests.tools.disks.inject import main

main()
