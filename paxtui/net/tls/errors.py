"""Why two sides did not come together over TLS, in words for a person. "It" is always the other side."""

from __future__ import annotations

import ssl
from typing import Final

_VERIFY: Final = {
    7: "its certificate is not from our authority",  # the signature is wrong: same name, another key
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    26: "its certificate is not made for this: a replica's is needed here",
}
"""By OpenSSL's code of a failed verification. All others mean that no chain leads to the authority."""

_ALERTS: Final = (
    ("CERTIFICATE_EXPIRED", "it refuses our certificate, which has expired (or its clock is wrong)"),
    ("UNKNOWN_CA", "it refuses our certificate, whose authority it does not know"),
    ("CERTIFICATE_REQUIRED", "it takes no connection without a certificate"),
    ("ALERT_UNSUPPORTED_CERTIFICATE", "it refuses our certificate, which is not made for this"),
    ("ALERT_BAD_CERTIFICATE", "it refuses our certificate"),
    ("ALERT_CERTIFICATE", "it refuses our certificate"),
    ("ALERT_DECRYPT_ERROR", "it refuses our certificate, whose authority it does not know"),
    ("PROTOCOL_VERSION", "it speaks another version of TLS; 1.3 is needed"),
    ("UNSUPPORTED_PROTOCOL", "it speaks an older version of TLS; 1.3 is needed"),
    ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "it showed no certificate"),
    ("WRONG_VERSION_NUMBER", "it does not speak TLS; it runs without certificates, or is another program"),
    ("HTTP_REQUEST", "it speaks HTTP"),
    ("EOF", "it hung up in the middle of the handshake"),
)
"""By a part of OpenSSL's name of the error, the first that fits."""


def words(error: ssl.SSLError) -> str:
    """Say a failed handshake, or an alert of the other side, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY.get(error.verify_code, "its certificate is not from our authority")
    name = error.reason or ("EOF" if isinstance(error, ssl.SSLEOFError) else "")
    for part, text in _ALERTS:
        if part in name:
            return text
    return f"the TLS handshake failed ({name.lower().replace('_', ' ') or error})"


def cause(error: BaseException) -> str | None:
    """Return what TLS says about a broken stream; ``None`` if it broke for another reason."""
    told = error.__cause__
    return words(told) if isinstance(told, ssl.SSLError) else None
