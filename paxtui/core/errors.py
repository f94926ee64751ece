"""The one error that the core raises."""


class InvariantViolated(Exception):
    """The error that a safety rule of the protocol does not hold in this replica.

    It is always our own mistake (or a broken disk), never the peer's. The replica must stop before
    anything that follows from the broken state can leave it; no handler may swallow it. It is not an
    ``assert``, because ``python -O`` strips those. Chubby keeps its checks on in production, too (Paxos
    Made Live, 6.2).
    """
