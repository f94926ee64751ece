"""``python -m tests.tools.mutations``: see :mod:`tests.tools.mutations.mutate`."""

import sys

from tests.tools.mutations.mutate import main

sys.exit(main())
