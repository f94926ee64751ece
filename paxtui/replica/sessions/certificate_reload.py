"""What a running replica does on SIGHUP: it reads its certificates again, and opens its message log again. It
also warns of certificates that expire."""

from __future__ import annotations

import signal

import trio

from paxtui.config.cluster_file import ConfigError
from paxtui.net.tls.credentials import DAY_S, Credentials, until_words
from paxtui.replica.event_log import EventLog
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.transport.listener import Listening

WARN_DAYS = 14
"""How many days before a certificate expires the daily warnings begin: enough for a person on holiday."""


def tell_security(listening: Listening, event_log: EventLog) -> None:
    """Log what keeps strangers out; loud if nothing does."""
    if listening.credentials is not None:
        event_log.info(
            "tls", f"takes no connection without a certificate; shows {_described(listening.credentials)}"
        )
    elif listening.security == "insecure":
        event_log.warning(
            "INSECURE",
            f"every client that reaches {listening.address} can read, write and break this cluster "
            "(--insecure, no certificates)",
        )
    else:
        event_log.info("tls", "no certificates: only programs on this machine can connect")


async def keep_fresh(credentials: Credentials, event_log: EventLog) -> None:
    """Warn each day of certificates that expire soon, until cancelled."""
    while True:
        _warn(credentials, event_log)
        await trio.sleep(DAY_S)


async def reload_on_hangup(
    credentials: Credentials | None,
    message_log: MessageLog,
    event_log: EventLog,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Open the message log again on SIGHUP, and read the certificates again if there are any.

    Connections that exist go on; those that begin from then on, in either direction, take what was read.
    """
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            try:
                await message_log.reopen()
            except OSError as error:
                event_log.error(
                    "log", f"{message_log.path}: not opened again, the old file stays: {error.strerror}"
                )
            else:
                event_log.info("log", f"SIGHUP: the message log {message_log.path} is opened again")
            if credentials is None:
                event_log.info("tls", "SIGHUP: there are no certificates to read again")
            else:
                _reload(credentials, event_log)


def _reload(credentials: Credentials, event_log: EventLog) -> None:
    try:
        credentials.reload()
    except (ConfigError, OSError) as error:
        event_log.error("tls", f"the certificates were not read again, the old ones stay: {error}")
    else:
        event_log.info("tls", f"certificates read again; shows {_described(credentials)}")
        _warn(credentials, event_log)


def _warn(credentials: Credentials, event_log: EventLog) -> None:
    left = credentials.days_left()
    if left < WARN_DAYS:
        when = f"expires in {left} days" if left >= 0 else "has expired"
        event_log.warning(
            "tls", f"{credentials.files.certificate} {when}; renew it, then send this process SIGHUP"
        )


def _described(credentials: Credentials) -> str:
    return f"{credentials.files.certificate} ({credentials.identity}, until {until_words(credentials.until)})"
