"""What a client says about itself in hello, compared with what this replica knows.

A session belongs to who opened it: to the role and the name in a certificate, or, where replicas have none,
to the name in hello. Its id says whose it is and when it was born, so that every replica can check it.
"""

from __future__ import annotations

from typing import Final

from paxtui.config.limits import Limits
from paxtui.replica.sessions.authorization import Caller
from paxtui.replica.transport.admission import (
    BAD_NAME,
    BORN_LATER,
    NO_SESSION,
    NOT_ITS_SESSION,
    Objection,
)
from paxtui.wire.hello import SESSION_REFUSED, Hello
from paxtui.wire.session import ROLE_CHARS, SessionId, name_in_id, name_in_old_id, name_problem, parse
from paxtui.wire.text import visible

SHOWN_CHARS: Final = 96


def name_objection(hello: Hello, limits: Limits) -> Objection | None:
    """Return what is wrong with a name. A client's goes into the log; what operators and observers call
    themselves is a label in lines for people, where it is made harmless."""
    if hello.role == "client" and (problem := name_problem(hello.name)) is not None:
        return Objection(BAD_NAME, f"a client's name {problem}")
    if len(hello.name) > limits.name_chars:
        return Objection(BAD_NAME, f"a name may have {limits.name_chars} characters")
    return None


def session_objection(hello: Hello, caller: Caller, known: int | None) -> Objection | None:
    """Return why a client may not go on with the session that it names.

    ``known`` is one above the highest slot of which this replica knows; ``None`` while it warms up, and does
    not know yet.
    """
    if not hello.session:
        return None
    if hello.role != "client":
        return _refuse(NO_SESSION, f"only a client goes on with a session, and you speak as {hello.role}")
    session = parse(hello.session)
    if session is None:
        shown = visible(hello.session, SHOWN_CHARS)
        return _refuse(NO_SESSION, f'"{shown}" is no session that a replica has issued')
    if (reason := _not_its(session, hello, caller)) is not None:
        return _refuse(NOT_ITS_SESSION, reason)
    if known is not None and session.birth > known:
        return _refuse(
            BORN_LATER,
            f"it was born at slot {session.birth}, and this replica knows of {known} slots: ask another one",
        )
    return None


def is_outdated(hello: Hello, caller: Caller) -> bool:
    """Return whether a session that is not refused was issued by an earlier program, or before there were
    certificates, in a way that is not taken any more: an id without a role is taken to be a client's, and a
    name is one word.

    Its client is let in, so that it hears what earlier programs understand: each of its requests is answered
    with ``expired``, and it begins a new session.
    """
    identity, session = caller.identity, parse(hello.session or "")
    if session is None or session.role:
        return False
    return session.name != name_in_id(caller.name(hello)) or (
        identity is not None and identity.role != "client"
    )


def _not_its(session: SessionId, hello: Hello, caller: Caller) -> str | None:
    identity = caller.identity
    names = {name_in_id(caller.name(hello))}
    if not session.role:
        names.add(name_in_old_id(caller.name(hello)))
    if identity is not None:
        own = session.name in names and session.role in ("", identity.role[:ROLE_CHARS])
        return None if own else f"your certificate is that of {identity}, and the session is not yours"
    if session.role:
        return "it belongs to a certificate, and this replica runs without"
    if session.name not in names:
        return f'it is of "{visible(session.name)}", and you call yourself "{visible(hello.name)}"'
    return None


def _refuse(kind: str, words: str) -> Objection:
    return Objection(kind, f"{SESSION_REFUSED}{words}")
