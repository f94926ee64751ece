"""What keys do to the cluster. Every action is also a word of the palette, and most are buttons."""

from __future__ import annotations

from textual.binding import Binding

from paxtui.console import commands as c
from paxtui.console.driver import ClusterDriver, Notice
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.terminal.key_order import InOrder
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f


class ReplicaActions(InOrder):
    """The half of the app that acts on replicas."""

    driver: ClusterDriver
    view_state: ViewState

    def say(self, text: str, *, failed: bool = False) -> None:
        """Show a line at the bottom, for some seconds."""
        self.driver.notices.append(Notice(text, failed=failed))

    BINDINGS = [
        Binding("left,h", "select(-1)", "previous replica"),
        Binding("right,l", "select(1)", "next replica"),
        Binding("c", "crash", "crash replica"),
        Binding("r", "restart", "restart"),
        Binding("p", "pause", "pause or continue"),
        Binding("t", "cut", "cut or join"),
        Binding("e", "elect", "start an election"),
        Binding("s", "skip", "skip the next slot"),
        Binding("N", "fill_hole", "no-op in the hole"),
        Binding("u", "undo", "take back the last deed"),
        Binding("H", "heal", "heal all"),
    ]

    # The cluster

    def order(self, command: c.ConsoleCommand) -> None:
        """Hand a command to the driver, if this console may."""
        if not self.view_state.armed and not isinstance(command, c.HARMLESS):
            self.say(f"read-only: {c.words(command)} needs `:arm`", failed=True)
            return
        self.driver.submit(command)

    def select_replica(self, replica: int) -> None:
        """Keys act on this one from now on."""
        raise NotImplementedError

    def action_select(self, step: int) -> None:
        """Keys act on the next one, or the one before."""
        self.select_replica((self.view_state.selected + step) % self.view_state.model.n)

    def action_crash(self) -> None:
        """SIGKILL."""
        self.order(c.CrashCommand(self.view_state.selected))

    def action_restart(self) -> None:
        """Start it again."""
        self.order(c.RestartCommand(self.view_state.selected))

    def action_pause(self) -> None:
        """Pause it, or let it go on."""
        id = self.view_state.selected
        paused = self.driver.model.replicas[id].process == "paused"
        self.order(c.ContinueCommand(id) if paused else c.PauseCommand(id))

    def action_cut(self) -> None:
        """Cut it off from all others; join it where all its links are cut already. What other cuts there are
        stays: to join a replica because one of its links is cut would undo a part of those."""
        id, n = self.view_state.selected, self.view_state.model.n
        if n < 2:
            self.say("there is no other replica to cut it off from", failed=True)
            return
        links = tuple(link for other in range(n) if other != id for link in ((id, other), (other, id)))
        cut = self.driver.model.cut_off(id)
        rest = " ".join(f"r{other}" for other in range(n) if other != id)
        name = f"r{id} | {rest}"
        self.order(c.JoinCommand(links, name) if cut else c.CutCommand(links, name))

    def action_elect(self) -> None:
        """Make it try to lead."""
        self.order(c.ElectCommand(self.view_state.selected))

    def action_skip(self) -> None:
        """The leader leaves its next slot empty."""
        leader = self.driver.model.leader
        if leader is None:
            self.say("nobody leads: there is no next slot to skip", failed=True)
        else:
            self.order(c.InjectCommand(leader[0], f.SkipSlot()))

    def set_loss(self, replica: int, to: int, percent: float) -> None:
        """Set a link's loss; 0 takes the fault away."""
        percent = max(0.0, min(100.0, percent))
        self.order(
            c.InjectCommand(replica, f.Loss(to, percent))
            if percent
            else c.ClearCommand((replica, to), "loss")
        )

    def action_fill_hole(self) -> None:
        """A no-op in the selected hole, else in the first one that keeps chosen slots waiting."""
        slot, model = self.view_state.slot, self.driver.model
        if slot is None or (
            model.hole is not None and slot_facts(model, slot, self.driver.now).state != "HOLE"
        ):
            slot = model.hole if model.hole is not None else model.applied
        self.order(c.FillHoleCommand(slot))

    def action_undo(self) -> None:
        """Take back the last deed: what it began ends, and what it ended begins again."""
        self.order(c.UndoCommand())

    def action_heal(self) -> None:
        """End all faults."""
        self.order(c.HealCommand())
