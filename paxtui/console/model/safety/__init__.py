"""Whether the log is safe: facts compared with the invariants, and what could not be compared."""
