"""The core's values that are on the wire, for those who may not know the core."""

from paxtui.core.ballot import REPLICAS_MAX, Ballot, majority
from paxtui.core.replica import Status
from paxtui.core.values import TEXT_BYTES_MAX

__all__ = ["REPLICAS_MAX", "TEXT_BYTES_MAX", "Ballot", "Status", "majority"]
