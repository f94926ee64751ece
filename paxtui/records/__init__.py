"""Records: what replicas decided, as a file, and what can be said of it afterwards.

A record is JSON lines, flat, in UTF-8. A replica writes one with ``paxtui replica --record FILE``, the
simulator one for all replicas of a run with ``paxtui sim --seed N --trace FILE``; the format is the same.

- Each life of a replica begins with a **header**: ``{"record": 2, "cluster": "local-3", "replica": 0,
  "replicas": 3, "at": 17.2, "wall": 1760000000.5, "promised": [3, 1], "round": 2, "watermark": 40, "chain":
  "...", "votes": 1}``. ``at`` is the replica's own clock in seconds, as in every line, and ``wall`` what time
  it was then; the rest is what its disk holds.
- After it come ``votes`` lines, one for each **vote that the disk holds** at the watermark or above:
  ``{"at": 17.2, "replica": 0, "vote": 41, "ballot": [3, 1], "value": ["ada@0", 7, "hello"]}``.
- Then a line an **event**: ``{"at": 17.3, "replica": 0, "number": 0, "event": "restored", ...}``, with the
  fields of :mod:`paxtui.core.events`, whole. Numbers begin at 0 in each life and have no gap.
- Events that could not be kept are told as ``{"at": 18.0, "replica": 0, "number": 123, "dropped": 45}``:
  numbers 123 to 167 are missing.
- ``{"at": 20.1, "replica": 0, "number": 168, "ended": "stop"}`` says that the life is over and that nothing
  of it is missing. A process that is killed cannot write it, and takes its last events with it.
- **Faults** are ``{"at": 19.0, "replica": 0, "fault": "crash", "detail": "..."}`` (``replica`` is ``null`` if
  several are meant). Messages, ``{"at": 19.0, "from": 0, "to": 1, "type": "accept", ...}``, stand only in a
  trace of the simulator that was asked for them. Both are for people.

:mod:`~paxtui.records.lines` writes lines, :mod:`~paxtui.records.reader` reads files,
:mod:`~paxtui.records.merge` puts several replicas' events into one order without an effect before its cause,
and :mod:`~paxtui.records.judge` lets the checkers look at them.
"""
