"""What keys, buttons and words do to replicas and links: orders for the driver."""

from __future__ import annotations

from collections.abc import Iterable

from paxtui.console import command_builders
from paxtui.console import commands as c
from paxtui.console.actions.controller import Controller
from paxtui.console.commands import Link
from paxtui.console.driver import ClusterDriver
from paxtui.console.driver.driver import PAST
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.liveness.clocks import USUAL_FACTOR, slow_motion
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f

LOSS_STEP = 5.0
"""Percent that one key adds or takes away."""

ASKED_S = 1.5
"""Seconds after which a replica's report has the loss that a key asked for."""


class ReplicaController(Controller):
    """The controller of the selected replica, of the leader, and of links."""

    def __init__(self, driver: ClusterDriver, view_state: ViewState) -> None:
        super().__init__(driver, view_state)
        self._asked: dict[Link, tuple[float, float]] = {}
        """By link, the loss that a key asked for, and when: reports come later than keys."""

    # Orders

    def order(self, command: c.ConsoleCommand) -> None:
        """Hand a command to the driver, if this console is armed or the command changes nothing."""
        if self.view_state.moment is not None and not isinstance(command, c.HARMLESS):
            self.notify(PAST, failed=True)
            return
        if not self.view_state.armed and not isinstance(command, c.HARMLESS):
            self.notify(f"read-only: {c.words(command)} needs `:arm`", failed=True)
            return
        self.driver.submit(command)

    def order_all(self, commands: Iterable[c.ConsoleCommand], name: str = "") -> None:
        """Order several commands as one, which one undo undoes."""
        found = tuple(commands)
        if len(found) == 1:
            self.order(found[0])
        elif found:
            self.order(c.CompoundCommand(found, name or ", ".join(map(c.words, found))))

    # The selected replica

    def crash(self) -> None:
        """Kill it."""
        self.order(c.CrashCommand(self.view_state.selected))

    def crash_proposer(self) -> None:
        """Stop its proposer, or let it work again; acceptor and learner go on."""
        self.order(command_builders.crash_proposer(self.driver.model, self.view_state.selected))

    def restart(self) -> None:
        """Start it, or stop and start it."""
        self.order(c.RestartCommand(self.view_state.selected))

    def pause(self) -> None:
        """Pause it, or let it go on."""
        id = self.view_state.selected
        paused = self.driver.model.replicas[id].process == "paused"
        self.order(c.ContinueCommand(id) if paused else c.PauseCommand(id))

    def cut(self) -> None:
        """Cut it off from all others; join it where all its links are cut already. What other cuts there are
        stays: to join a replica because one of its links is cut would undo a part of those."""
        id, n = self.view_state.selected, self.view_state.model.n
        if n < 2:
            self.notify("there is no other replica to cut it off from", failed=True)
            return
        links = tuple(link for other in range(n) if other != id for link in ((id, other), (other, id)))
        cut = self.driver.model.cut_off(id)
        rest = " ".join(f"r{other}" for other in range(n) if other != id)
        name = f"r{id} | {rest}"
        self.order(c.JoinCommand(links, name) if cut else c.CutCommand(links, name))

    def change_loss(self, steps: int) -> None:
        """Lose more or less of what it sends."""
        id = self.view_state.selected
        known = self.driver.model.replicas[id].loss_to(-1)
        percent = self.stepped_loss((id, -1), known, steps)
        self.order(c.InjectCommand(id, f.Loss(-1, percent)) if percent else c.ClearCommand((id, -1), "loss"))

    def stepped_loss(self, link: Link, known: float, steps: int) -> float:
        """Return the loss in percent, ``steps`` away from what is known, or from what was asked for just
        now."""
        now = self.driver.now
        asked, at = self._asked.get(link, (known, now))
        start = asked if now - at < ASKED_S else known
        percent = max(0.0, min(100.0, start + steps * LOSS_STEP))
        self._asked[link] = (percent, now)
        return percent

    def fail_disk(self, *, full: bool) -> None:
        """Make its next commit fail."""
        self.order(c.InjectCommand(self.view_state.selected, f.FullDisk() if full else f.DiskError()))

    def elect(self) -> None:
        """Make it try to lead."""
        self.order(c.ElectCommand(self.view_state.selected))

    # The leader, and the cluster

    def crash_deciding(self) -> None:
        """Kill the leader when it next sees a majority."""
        leader = self.driver.model.leader
        if leader is None:
            self.notify("no replica leads, so none can see a majority", failed=True)
        else:
            self.order(c.CrashDecidingCommand(leader[0]))

    def skip(self) -> None:
        """Make the leader leave its next slot empty."""
        leader = self.driver.model.leader
        if leader is None:
            self.notify("no replica leads: there is no next slot to skip", failed=True)
        else:
            self.order(c.InjectCommand(leader[0], f.SkipSlot()))

    def fill_hole(self) -> None:
        """Put a no-op into the selected hole, else into the first one that keeps chosen slots waiting."""
        slot, model = self.view_state.slot, self.driver.model
        if slot is None or (
            model.hole is not None and slot_facts(model, slot, self.driver.now).state != "HOLE"
        ):
            slot = model.hole if model.hole is not None else model.applied
        self.order(c.FillHoleCommand(slot))

    def slow_motion(self) -> None:
        """Begin slow motion, or end it."""
        slow = slow_motion(self.driver.model, self.driver.now) is not None
        self.order(c.SlowMotionCommand(1 if slow else USUAL_FACTOR))

    def undo(self) -> None:
        """Undo the last command: what it began ends, and what it ended begins again."""
        self.order(c.UndoCommand())

    def redo(self) -> None:
        """Do again what was undone last."""
        self.order(c.RedoCommand())

    def heal(self) -> None:
        """End all faults."""
        self.order(c.HealCommand())
