"""How a request can end other than well."""


class ClientError(Exception):
    """Base. The message is for a person."""


class Failed(ClientError):
    """The request will never take effect."""


class Unknown(ClientError):
    """The request may or may not take effect: it left, and no answer came."""


class Unreachable(Failed):
    """No replica could be reached; names whom was tried, and for how long."""
