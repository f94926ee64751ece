"""Everything that can be done to one replica, or to one link."""

from __future__ import annotations

from textual.app import ComposeResult

from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.menu import Item
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.buttons import ButtonBar, Subject
from paxtui.console.widgets.menu import Menu


def replica_items(replica: ReplicaView) -> list[Item]:
    """By key; the id is an action of the app."""
    crashed, paused = replica.proposer_crashed, replica.process == "paused"
    return [
        Item("c", "crash replica", "SIGKILL: nothing is flushed, nothing is said", "crash"),
        Item(
            "C",
            "restore proposer" if crashed else "crash proposer",
            "it leads again if it must" if crashed else "it votes and learns on, but never leads",
            "crash_proposer",
        ),
        Item(
            "A", "crash as it decides", "leader dies with a majority; the next must find it", "crash_deciding"
        ),
        Item("r", "restart", "start it, or stop and start it", "restart"),
        Item("p", "continue" if paused else "pause", "SIGSTOP: it neither hears nor speaks", "pause"),
        Item("t", "cut or join", "nothing crosses its links, in both directions", "cut"),
        Item("L", "loss ...", "type how many percent of what it sends are lost", "type_loss"),
        Item("d", "delay ...", "type ms and jitter for what it sends", "type('delay')"),
        Item("D", "duplicate ...", "type how many percent of what it sends come twice", "type('duplicate')"),
        Item("R", "reorder ...", "type how many percent of it are overtaken", "type('reorder')"),
        Item("S", "slow disk ...", "type how many ms longer a commit takes", "type('slow-disk')"),
        Item("E", "disk error", "its next commit fails, and it stops", "disk('error')"),
        Item("F", "full disk", "its next commit finds the disk full, and it stops", "disk('full')"),
        Item("s", "skip the next slot", "the leader leaves a hole", "skip"),
        Item("e", "start an election", "it tries to lead, whoever leads", "elect"),
        Item("w", "wipe ...", "kill it and delete its data; asks first", "wipe"),
        Item("P", "presets ...", "topologies, with a preview", "presets"),
        Item("u", "undo", "take back the last deed", "undo"),
        Item("H", "heal all", "end all faults, continue and start everything", "heal"),
    ]


LINK_ITEMS = [
    Item("t", "cut or join", "nothing crosses it", "cut"),
    Item("l", "loss ...", "how many percent are lost", "loss"),
    Item("d", "delay ...", "ms, and jitter", "delay"),
    Item("D", "duplicate ...", "how many percent come twice", "duplicate"),
    Item("R", "reorder ...", "how many percent are overtaken", "reorder"),
    Item("0", "straighten", "end every fault on it", "straighten"),
]


class FaultMenu(Menu):
    """The menu of a replica, and where there is no bar on the screen, its buttons."""

    def __init__(self, view_state: ViewState, *, bar: bool) -> None:
        replica = view_state.model.replicas[view_state.selected]
        super().__init__(view_state, f"break {replica.name}", replica_items(replica))
        self._bar = bar

    def more(self) -> ComposeResult:
        """The buttons; they leave the menu open."""
        if self._bar:
            yield ButtonBar(self.view_state)

    def on_mount(self) -> None:
        """The bar is kept up to date while the menu is open."""
        super().on_mount()
        for subject in self.query(Subject):
            subject.look_again()
            self.set_interval(0.25, subject.look_again)
