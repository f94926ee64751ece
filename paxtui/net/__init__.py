"""TCP and TLS for both ends of a connection: timeouts, and who is on the other side."""
