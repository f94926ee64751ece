"""Going through time: any moment of the tape, step by step, by seconds, by marks and by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from paxtui.console.actions.controller import Controller
from paxtui.console.actions.ports import Dialogs, Screen
from paxtui.console.driver import ClusterDriver
from paxtui.console.driver.driver import PAST
from paxtui.console.model.past import Past
from paxtui.console.rows import timebar
from paxtui.console.view_state import Moment, ViewState
from paxtui.tape.position import PositionError, find_position
from paxtui.tape.step import EVENT, NOTE, TapeError

JUMP_S = 10.0
"""What ``<`` and ``>`` go."""


class TimeController(Controller):
    """The controller of which moment is shown."""

    def __init__(
        self, driver: ClusterDriver, view_state: ViewState, screen: Screen, dialogs: Dialogs
    ) -> None:
        super().__init__(driver, view_state)
        self._screen = screen
        self._dialogs = dialogs

    def refuses(self) -> bool:
        """Say that the past cannot be changed, if that is what is shown; return whether it is."""
        if self.view_state.moment is None:
            return False
        self.notify(PAST, failed=True)
        return True

    # Moving

    def step(self, steps: int) -> None:
        """Go one event on or back, in the order of cause."""
        self._move(lambda past, here: _event_beside(past, here, steps))

    def jump(self, seconds: float) -> None:
        """Go some seconds on or back."""
        self._move(lambda past, here: find_position(f"{seconds:+g}s", past.tape, self._wall(past, here)))

    def go(self, text: str) -> None:
        """Go to a moment that is named, such as ``12:04:07``, ``-3m`` or ``#1017204``."""
        self._move(lambda past, here: find_position(text, past.tape, self._wall(past, here)))

    def go_to_mark(self, steps: int) -> None:
        """Go to the next mark, or the one before."""

        def place(past: Past, here: int) -> int:
            places = sorted({mark.position + 1 for mark in past.tape.marks})
            here += self.view_state.moment is None  # from now, a mark that came last is one before
            found = [at for at in places if (at > here if steps > 0 else at < here)]
            if not found:
                raise PositionError(f"there is no mark {'after' if steps > 0 else 'before'} this")
            return found[0] if steps > 0 else found[-1]

        self._move(place)

    def show_marks(self) -> None:
        """List all marks."""
        past = self._past()
        if past is not None:
            marks = past.tape.marks
            self._dialogs.open_page("marks", lambda width: timebar.mark_rows(self.view_state, marks, width))

    def go_live(self) -> None:
        """Show what is now again."""
        view_state = self.view_state
        if view_state.moment is None:
            self.notify("this is now; , goes back by one event, < by ten seconds")
            return
        if self.driver.replays:
            self.go("last")
            return
        view_state.moment, view_state.frozen_at = None, None
        self.driver.in_past = False
        view_state.model = self.driver.model
        self._screen.redraw()

    def _wall(self, past: Past, here: int) -> float:
        step = past.tape.step(here - 1)
        return step.wall if step is not None else time.time()

    def _past(self) -> Past | None:
        try:
            past = self.driver.past()
        except TapeError as error:
            self.notify(str(error), failed=True)
            return None
        if past is None:
            self.notify("there is no tape of this", failed=True)
        return past

    def _move(self, place: Callable[[Past, int], int]) -> None:
        past = self._past()
        if past is None:
            return
        moment, tape = self.view_state.moment, past.tape
        try:
            position = place(past, moment.position if moment is not None else tape.end)
            self._show(past, max(min(position, tape.end), tape.first + 1))
        except (PositionError, TapeError) as error:
            self.notify(str(error), failed=True)

    def _show(self, past: Past, position: int) -> None:
        view_state, tape = self.view_state, past.tape
        model = past.at(position)
        step = tape.step(position - 1)
        if step is None:
            raise TapeError(f"#{position} is not on the tape any more")
        if view_state.moment is None and view_state.frozen_at is None and not self.driver.replays:
            self.notify("the past: , . one event  < > 10 s  [ ] marks  g a time  f5 now")
        model.live = self.driver.model if not self.driver.replays else model
        view_state.moment = Moment(position, tape.first, tape.end, step.wall, step.arrived)
        view_state.tape, view_state.frozen_at, view_state.model = tape, step.arrived, model
        self.driver.in_past = True
        self._screen.redraw()

    # Keeping

    def mark(self, name: str) -> None:
        """Mark this moment, among the events and on the tape."""
        if self.refuses():
            return
        self.driver.announce(f"mark {name}")
        if self.driver.taping is not None:
            self.driver.taping.mark(name)

    def save_tape(self, name: str) -> None:
        """Copy the tape as it is now into a new file."""
        taping = self.driver.taping
        if taping is None:
            self.notify("there is no tape of this", failed=True)
            return
        path = Path(name).expanduser()
        try:
            steps = taping.save(path)
        except OSError as error:
            self.notify(f"{path}: cannot be written: {error.strerror}", failed=True)
        except TapeError as error:
            self.notify(str(error), failed=True)
        else:
            self.notify(f"written: {path.absolute()}, {steps:,} steps; paxtui replay shows it")


def _event_beside(past: Past, here: int, steps: int) -> int:
    """Return the position after the next event, or after the one before."""
    tape = past.tape
    if steps > 0:
        for position, step in tape.steps(here, min(tape.end, here + 100_000)):
            if step.kind in (EVENT, NOTE):
                return position + 1
        raise PositionError("this is the last event on the tape; f5 goes back to now")
    reach = 64
    while True:
        first = max(tape.first, here - 1 - reach)
        found = [at for at, step in tape.steps(first, here - 1) if step.kind in (EVENT, NOTE)]
        if found:
            return found[-1] + 1
        if first <= tape.first:
            raise PositionError("this is the first event on the tape")
        reach *= 8
