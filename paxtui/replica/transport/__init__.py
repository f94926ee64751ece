"""Bytes in and out of a replica: listening, reading, writing, and how much of it one client may ask for.

No module here knows the replica's core or what a request means.
"""
