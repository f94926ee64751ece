"""Connections: who is on the other end, what it may do, and what is done with each of its requests."""
