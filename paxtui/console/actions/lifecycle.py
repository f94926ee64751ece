"""How the console is left: quit, attach elsewhere, or the terminal is gone."""

from __future__ import annotations

from collections.abc import Callable

from paxtui.config.cluster_file import Cluster
from paxtui.console import commands as c
from paxtui.console.actions.replica import ReplicaActions
from paxtui.console.driver import in_short
from paxtui.console.widgets.ask import QuestionDialog

INTERRUPT_S = 2.0
"""A second ctrl-c within this quits."""


class LifecycleActions(ReplicaActions):
    """The part of the app that ends it."""

    interrupted_at: float
    onward: Cluster | None = None
    """What to look at when this console has ended."""

    def leave_running(self) -> None:
        """Quit, and let the replicas go on."""
        self.driver.submit(c.LeaveCommand())
        self.set_timer(0.1, lambda: self.exit(0))

    def action_leave(self) -> None:
        """Quit; ask first, if that stops replicas."""
        self._end("Quitting", "quit")

    def take_found(self) -> None:
        """A cluster that was asked for may have answered."""
        outside = self.driver.outside
        found, outside.found = outside.found, None
        if found is not None:
            self.look_at(found)

    def look_at(self, cluster: Cluster) -> None:
        """End here, and look at another cluster; ask first, if that stops replicas."""

        def go() -> None:
            self.onward = cluster

        self._end(f"Looking at {cluster.name} at {cluster.replicas[0]} in place of this", "attach", go)

    def terminal_gone(self) -> None:
        """End without a question: nobody is there to answer."""
        self.onward = None
        self.exit()

    def _end(self, what: str, verb: str, first: Callable[[], None] = lambda: None) -> None:
        def stop() -> None:
            first()
            self.exit(0)

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
        buttons = [("stop", f"Stop and {verb}"), ("leave", "Leave running"), ("cancel", "Cancel")]
        self.push_screen(QuestionDialog(question, buttons, "stop" if verb == "quit" else "cancel"), answered)

    def _ask_about_faults(self, verb: str, go: Callable[[], None], *, ours_go_on: bool = False) -> None:
        """Ask what becomes of faults that would act on, and then ``go``."""
        acting = self.driver.lasting(ours_go_on=ours_go_on)
        if not acting:
            go()
            return

        def answered(answer: str | None) -> None:
            if answer in ("end", "keep"):
                self.driver.ends_faults = answer == "end"
                go()

        question = f"What was begun here acts on without this console: {in_short(acting)}."
        buttons = [("end", f"End it and {verb}"), ("keep", "Let it act"), ("cancel", "Cancel")]
        self.push_screen(QuestionDialog(question, buttons, "end"), answered)

    def action_interrupt(self) -> None:
        """ctrl-c twice."""
        now = self.driver.now
        if now - self.interrupted_at < INTERRUPT_S:
            self.exit(0)
        self.interrupted_at = now
        self.say("ctrl-c again quits")
