"""Errors of the bytes: always the sender's fault, never ours."""


class WireError(Exception):
    """A frame is malformed. The message names the field or the limit; the connection must be closed."""
