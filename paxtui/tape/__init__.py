"""Tapes: what a console was told, in the order of cause, so that any moment can be looked at again.

A tape is a SQLite file. Its rows are blocks of some thousand steps. A step is one event of a replica, or one
other thing that the console was told: a state, a report, the end of a process, what the person did, a light
that changed. The position of a step is its number from the first one on. :mod:`.writer` writes in a thread,
:mod:`.reader` reads files of strangers, :mod:`.position` is the language in which people name a moment.

There are no vector clocks on the tape and no cuts: steps are written as the console's order of cause releases
them, so a moment is one number. (RaftScope seeks by time, which several clocks do not have in common.)
"""
