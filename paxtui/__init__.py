"""paxtui: a terminal console for a real Multi-Paxos cluster."""

__version__ = "0.1.0"
