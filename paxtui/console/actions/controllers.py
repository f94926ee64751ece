"""All controllers of one console: what the table's actions are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from paxtui.console.actions.dialogs import DialogController
from paxtui.console.actions.lifecycle import LifecycleController
from paxtui.console.actions.navigation import NavigationController
from paxtui.console.actions.ports import Dialogs, Screen
from paxtui.console.actions.replica import ReplicaController
from paxtui.console.actions.time import TimeController
from paxtui.console.actions.view import ViewController
from paxtui.console.command_line import Call, Verb
from paxtui.console.driver import ClusterDriver
from paxtui.console.preferences import Preferences
from paxtui.console.view_state import ViewState


class Controllers:
    """One controller a concern."""

    def __init__(
        self,
        driver: ClusterDriver,
        view_state: ViewState,
        preferences: Preferences,
        screen: Screen,
        dialogs: Dialogs,
        verbs: Callable[[], Sequence[Verb]],
    ) -> None:
        self.replica = ReplicaController(driver, view_state)
        self.view = ViewController(driver, view_state, preferences, screen)
        self.navigation = NavigationController(driver, view_state, self.view, screen, dialogs)
        self.time = TimeController(driver, view_state, screen, dialogs)
        self.dialogs = DialogController(self.replica, preferences, dialogs, verbs, self.call)
        self.lifecycle = LifecycleController(driver, view_state, screen, dialogs)

    def call(self, call: Call) -> None:
        """Carry out what typed words do on the screen."""
        call.run(self, *call.arguments)
