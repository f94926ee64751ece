"""What the screen shows: the model, and where the person looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from paxtui.console.geometry import PANES
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.rows.scenario import ScenarioView
from paxtui.console.theme.styles import Styles
from paxtui.tape.reader import TapeReader

VIEWS: Final = ("log", "replicas", "links", "metrics", "chat", "events")
"""What the keys from 1 on show."""


class Moment(NamedTuple):
    """A moment that is over: where on the tape it is."""

    position: int
    """How many steps of the tape are behind it."""
    first: int
    end: int
    """Of the tape."""
    wall: float
    """The time of day."""
    at: float
    """The time by the console's clock."""


class ViewState:
    """Shared by all panes. Widgets read it and ask for changes by actions of the app."""

    def __init__(self, model: ClusterModel, styles: Styles, clock: Callable[[], float]) -> None:
        self.model = model
        self.styles = styles
        self.clock = clock
        self.view = 1
        """The number of the view that is shown where only one is."""
        self.maximised = False
        """Whether one pane is shown alone where there is room for more."""
        self.beside_views = ""
        """The pane that has the focus, where it is none of the views."""
        self.size_class = "dash"
        """The kind of size that the screen has: what is turned off is remembered for each."""
        self.hidden: dict[str, tuple[str, ...]] = {}
        """By kind of size, the panes that are turned off."""
        self.selected = 0
        """The replica that keys act on."""
        self.link: tuple[int, int] = (0, 1)
        """The directed link that keys act on in the links view."""
        self.slot: int | None = None
        """The slot under the log's cursor; ``None`` while the log follows."""
        self.fold: tuple[int, int] | None = None
        """The run of slots under the log's cursor, ``[first, end)``, where it is shown as one line."""
        self.viewer: int | None = None
        """Through whom the chat looks; ``None`` for whoever leads."""
        self.armed = True
        self.frozen_at: float | None = None
        """When the view was stopped."""
        self.frozen_wall = ""
        self.moment: Moment | None = None
        """The moment that is shown in place of now."""
        self.tape: TapeReader | None = None
        """The tape that it is on."""
        self.failure: str | None = None
        """Why nothing can be shown."""
        self.scenario: str | None = None
        """The scenario that is shown in place of one's own cluster."""
        self.scenario_view: ScenarioView | None = None
        """Its steps and its verdict."""
        self.scenario_end: str | None = None
        """How it ended: its replicas do not run any more."""
        self.insecure = False
        self.next_undo, self.next_redo = "", ""
        """What ``u`` would undo and what ``U`` would do again, in words; empty for nothing."""

    def show_model(self, model: ClusterModel) -> None:
        """Show another cluster: what was selected in the last one is not."""
        self.model = model
        self.selected = min(self.selected, model.n - 1)
        self.slot, self.viewer, self.link = None, None, (0, min(1, model.n - 1))

    def look_at(self, pane: str) -> None:
        """Take ``pane`` as the one that is always shown."""
        if pane in VIEWS:
            self.view, self.beside_views = VIEWS.index(pane) + 1, ""
        elif pane in PANES:
            self.beside_views = pane

    @property
    def pane(self) -> str:
        """Return the pane that is always shown: the one in focus."""
        return self.beside_views or VIEWS[self.view - 1]

    @property
    def panes(self) -> tuple[str, ...]:
        """Return the panes that are wanted at this size."""
        hidden = self.hidden.get(self.size_class, ())
        return tuple(pane for pane in PANES if pane not in hidden)

    @property
    def now(self) -> float:
        """Return the clock of everything that is drawn: it stands while the view is frozen."""
        return self.frozen_at if self.frozen_at is not None else self.clock()

    @property
    def stands_still(self) -> bool:
        """Return whether the view was stopped by the space bar: panes stay where they are."""
        return self.frozen_at is not None and self.moment is None

    @property
    def can_act(self) -> bool:
        """Return whether keys act on the cluster: nothing can be broken in the past."""
        return self.armed and self.moment is None

    @property
    def seen_by(self) -> int:
        """Return the replica whose view the chat shows: the chosen one, else a leader that works, else who
        applied most."""
        if self.viewer is not None:
            return self.viewer
        model, now = self.model, self.now
        leader = model.leader
        if leader is not None and not model.trouble(leader[0], now):
            return leader[0]
        return max(model.replicas, key=lambda replica: (replica.fresh(now), replica.applied)).id

    @property
    def ballot_hue(self) -> Callable[[int, int], str]:
        """Return the style of a ballot ``(round, replica)``: another leader, another colour."""
        return lambda round, replica: f"ballot{(round + 3 * replica) % 6}"
