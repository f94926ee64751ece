"""Streams and signals that belong to a person: descriptors, lines that never block, progress bars."""
