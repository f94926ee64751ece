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
"""So long before a certificate expires each day brings a warning: long enough for somebody on holiday."""


def tell_security(listening: Listening, journal: EventLog) -> None:
    """What keeps strangers out; loud if nothing does."""
    if listening.credentials is not None:
        journal.info("tls", f"takes nobody without a certificate; shows {_described(listening.credentials)}")
    elif listening.security == "insecure":
        journal.warning(
            "INSECURE",
            f"whoever reaches {listening.address} can read, write and break this cluster "
            "(--insecure, no certificates)",
        )
    else:
        journal.info("tls", "no certificates: only programs on this machine can connect")


async def keep_fresh(credentials: Credentials, journal: EventLog) -> None:
    """Warn each day of certificates that expire soon, until cancelled."""
    while True:
        _warn(credentials, journal)
        await trio.sleep(DAY_S)


async def reload_on_hangup(
    credentials: Credentials | None,
    chat: MessageLog,
    journal: EventLog,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """On SIGHUP open the message log again, and read the certificates again if there are any.

    Connections that exist go on; those that begin from then on, in either direction, take what was read.
    """
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            try:
                await chat.reopen()
            except OSError as error:
                journal.error("log", f"{chat.path}: not opened again, the old file stays: {error.strerror}")
            else:
                journal.info("log", f"SIGHUP: the message log {chat.path} is opened again")
            if credentials is None:
                journal.info("tls", "SIGHUP: there are no certificates to read again")
            else:
                _reload(credentials, journal)


def _reload(credentials: Credentials, journal: EventLog) -> None:
    try:
        credentials.reload()
    except (ConfigError, OSError) as error:
        journal.error("tls", f"the certificates were not read again, the old ones stay: {error}")
    else:
        journal.info("tls", f"certificates read again; shows {_described(credentials)}")
        _warn(credentials, journal)


def _warn(credentials: Credentials, journal: EventLog) -> None:
    left = credentials.days_left()
    if left < WARN_DAYS:
        when = f"expires in {left} days" if left >= 0 else "has expired"
        journal.warning(
            "tls", f"{credentials.files.certificate} {when}; renew it, then send this process SIGHUP"
        )


def _described(credentials: Credentials) -> str:
    return f"{credentials.files.certificate} ({credentials.identity}, until {until_words(credentials.until)})"
