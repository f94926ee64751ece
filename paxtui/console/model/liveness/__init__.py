"""Whether the log moves, whether it can, and how many failures it survives: judged on the state alone."""
