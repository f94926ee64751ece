"""Whoever is connected: who it is, what it may do, and what is done with each of its requests."""
