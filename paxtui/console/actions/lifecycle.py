"""How the console is left: quit, attach elsewhere, or the terminal is gone."""

from __future__ import annotations

from collections.abc import Callable

from paxtui.config.cluster_file import Cluster
from paxtui.console import commands as c
from paxtui.console.actions.controller import Controller
from paxtui.console.actions.ports import Dialogs, Screen
from paxtui.console.driver import ClusterDriver, in_short
from paxtui.console.view_state import ViewState

INTERRUPT_S = 2.0
"""Seconds within which a second ctrl-c quits."""

LEAVE_S = 0.1
"""Seconds that the driver has to mark replicas as left running, before the screen ends."""


class LifecycleController(Controller):
    """The controller that ends the console, after the questions that this needs."""

    def __init__(
        self, driver: ClusterDriver, view_state: ViewState, screen: Screen, dialogs: Dialogs
    ) -> None:
        super().__init__(driver, view_state)
        self._screen = screen
        self._dialogs = dialogs
        self._interrupted_at = float("-inf")
        self.onward: Cluster | None = None
        """The cluster to attach to when this console has ended."""

    def leave_running(self) -> None:
        """Quit, and let the replicas go on."""
        self.driver.submit(c.LeaveCommand())
        self._screen.end_soon(LEAVE_S)

    def quit(self) -> None:
        """Quit; ask first, if that stops replicas."""
        self._ask_to_end("Quitting", "quit")

    def interrupt(self) -> None:
        """Quit on the second ctrl-c."""
        now = self.driver.now
        if now - self._interrupted_at < INTERRUPT_S:
            self._screen.end_soon()
        self._interrupted_at = now
        self.notify("ctrl-c again quits")

    def suspend(self) -> None:
        """Give the terminal back to the shell until `fg`."""
        self._screen.suspend_to_shell()

    def attach_found(self) -> None:
        """Attach to the cluster that the person asked for, if it has answered."""
        attaching = self.driver.attaching
        found, attaching.found = attaching.found, None
        if found is not None:
            self.attach(found)

    def attach(self, cluster: Cluster) -> None:
        """End here, and look at another cluster; ask first, if that stops replicas."""

        def go_on() -> None:
            self.onward = cluster

        self._ask_to_end(
            f"Looking at {cluster.name} at {cluster.replicas[0]} in place of this", "attach", go_on
        )

    def _ask_to_end(self, what: str, verb: str, first: Callable[[], None] = lambda: None) -> None:
        def stop() -> None:
            first()
            self._screen.end_soon()

        def leave() -> None:
            first()
            self.leave_running()

        ours = len(self.driver.options.ours)
        if not ours:
            self._ask_about_faults(verb, stop)
            return

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._ask_about_faults(verb, stop)
            elif answer == "leave":
                self._ask_about_faults(verb, leave, ours_go_on=True)

        replicas, whose = ("the replica", "Its") if ours == 1 else (f"the {ours} replicas", "Their")
        question = f"{what} stops {replicas} that this console started. {whose} data stay."
        buttons = [("stop", f"Stop and {verb}"), ("leave", "Leave running")]
        self._dialogs.ask_question(question, buttons, answered)

    def _ask_about_faults(self, verb: str, end: Callable[[], None], *, ours_go_on: bool = False) -> None:
        """Ask what becomes of faults that would act on, and then ``end``."""
        acting = self.driver.lasting(ours_go_on=ours_go_on)
        if not acting:
            end()
            return

        def answered(answer: str | None) -> None:
            if answer in ("end", "keep"):
                self.driver.ends_faults = answer == "end"
                end()

        many = "1 fault" if len(acting) == 1 else f"{len(acting)} faults"
        question = f"{many} that this console began would go on without it: {in_short(acting)}."
        buttons = [("end", f"Heal and {verb}"), ("keep", "Let faults go on")]
        self._dialogs.ask_question(question, buttons, answered)
