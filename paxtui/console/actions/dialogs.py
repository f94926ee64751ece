"""What asks before it acts: numbers to type, menus, presets, the palette, the question before a wipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from paxtui.console import command_builders
from paxtui.console import commands as c
from paxtui.console.actions.controller import Controller
from paxtui.console.actions.ports import Dialogs
from paxtui.console.actions.replica import ReplicaController
from paxtui.console.actions.view import ViewController
from paxtui.console.command_line import Call, Context, OperandError, Verb, parse
from paxtui.console.command_line.operands import number
from paxtui.console.commands import Link
from paxtui.console.geometry import LAYOUTS
from paxtui.console.model.liveness.tolerance import connected_voters
from paxtui.console.preferences import HISTORY_MAX, Preferences


class DialogController(Controller):
    """The controller that opens dialogs, and orders what is answered."""

    def __init__(
        self,
        replica: ReplicaController,
        preferences: Preferences,
        dialogs: Dialogs,
        verbs: Callable[[], Sequence[Verb]],
        call: Callable[[Call], None],
    ) -> None:
        super().__init__(replica.driver, replica.view_state)
        self._replica = replica
        self._preferences = preferences
        self._dialogs = dialogs
        self._verbs = verbs
        self._call = call

    # Words

    def open_palette(self) -> None:
        """Let the person type a command."""
        self.driver.submit(c.LookAroundCommand())
        self._dialogs.open_palette(self._context(), self._preferences.commands, self._take_line)

    def _context(self) -> Context:
        driver = self.driver
        return Context(driver.model, self._verbs(), driver.scenarios, driver.attaching.around)

    def _take_line(self, text: str | None) -> None:
        if text:
            history = self._preferences.commands
            if history[-1:] != [text]:
                history.append(text)
                del history[:-HISTORY_MAX]
            self.run_line(text)

    def run_line(self, text: str) -> None:
        """Do what a typed line says, or tell what is wrong with it."""
        try:
            intents = parse(text, self._context())
        except OperandError as problem:
            self.notify(str(problem), failed=True)
            return
        commands = [intent for intent in intents if not isinstance(intent, Call)]
        self._replica.order_all(commands, " ".join(text.split()))
        for intent in intents:
            if isinstance(intent, Call):
                self._call(intent)

    # Pages and menus

    def open_help(self) -> None:
        """Explain the pane in focus, and list all keys."""
        self._dialogs.open_help()

    def open_legend(self) -> None:
        """Say what the signs of the screen mean."""
        self._dialogs.open_legend()

    def open_fault_menu(self) -> None:
        """List all that can be done to the selected replica."""
        self._dialogs.open_fault_menu()

    def open_presets(self) -> None:
        """Let the person choose a topology."""

        def chosen(name: str | None) -> None:
            if name is not None:
                self.run_line(f"preset {name}")

        if self.driver.model.n < 2:
            self.notify("one replica has no links", failed=True)
            return
        self._dialogs.open_presets(chosen)

    def choose_panes(self, view: ViewController) -> None:
        """Let the person turn panes on and off, until it is enough, or take a layout."""

        def chosen(name: str | None) -> None:
            if name in LAYOUTS:
                view.use_layout(name)
            elif name is not None:
                view.toggle_pane(name)
                self._dialogs.open_panes(chosen)

        self._dialogs.open_panes(chosen)

    def open_link_menu(self, links: Sequence[Link]) -> None:
        """List all that can be done to links."""
        model = self.driver.model
        name = command_builders.named(model.n, links)

        def chosen(action: str | None) -> None:
            if action == "cut":
                self._replica.order(command_builders.cut_or_join(model, links))
            elif action == "straighten":
                self._replica.order_all(command_builders.straighten(model, links), f"straighten {name}")
            elif action is not None:
                self.ask_link(action, links)

        self._dialogs.open_link_menu(name, chosen)

    # Numbers

    def ask_fault(self, kind: str) -> None:
        """Ask for a number, for the disk of the selected replica or for what it sends."""
        id, model = self.view_state.selected, self.driver.model
        if kind == "slow-disk":
            self._ask_number(
                f"r{id}: ms that each commit takes longer (0 ends it)",
                lambda text: command_builders.slow_disk(model, id, number(text, "time in ms", 0, 60_000)),
                f"slow-disk r{id}",
            )
        elif model.n > 1:
            self.ask_link(kind, [(id, to) for to in range(model.n) if to != id])

    def ask_link(self, kind: str, links: Sequence[Link]) -> None:
        """Ask for a number for links."""
        model = self.driver.model
        name = command_builders.named(model.n, links)
        if kind == "delay":
            self._ask_number(
                f"{name}: delay in ms, and jitter (0 ends it)",
                lambda text: self._delay(text, links),
                f"delay {name}",
            )
        else:
            self._ask_number(
                f"{name}: {kind} in percent (0 ends it)",
                lambda text: command_builders.chance(model, links, kind, number(text, "percentage", 0, 100)),
                f"{kind} {name}",
            )

    def _delay(self, text: str, links: Sequence[Link]) -> list[c.ConsoleCommand]:
        ms, _, jitter = text.replace("+", " ").strip().partition(" ")
        more = number(jitter.strip(), "jitter in ms", 0, 600_000) if jitter.strip() else 0.0
        return command_builders.delay(self.driver.model, links, number(ms, "delay in ms", 0, 600_000), more)

    def _ask_number(self, prompt: str, make: Callable[[str], Sequence[c.ConsoleCommand]], name: str) -> None:
        def answered(text: str | None) -> None:
            if not text or not text.strip():
                return
            try:
                self._replica.order_all(make(text.strip()), f"{name} {text.strip()}")
            except OperandError as problem:
                self.notify(str(problem), failed=True)

        self._dialogs.ask_line(prompt, answered)

    # Pasting

    def ask_paste(self, count: int, answered: Callable[[str | None], None]) -> None:
        """Ask whether that many pasted lines are messages: ``all`` or ``one``."""
        question = f"{count} lines were pasted. Each would be a message of its own in the log."
        buttons = [("all", f"Send {count} messages"), ("one", "As one line")]
        self._dialogs.ask_question(question, buttons, answered)

    # Wiping

    def ask_wipe(self, id: int | None = None) -> None:
        """Ask before the data of a replica, or of the selected one, are lost."""
        replica = self.view_state.selected if id is None else id
        model = self.driver.model
        kept = len([each for each in connected_voters(model) if each != replica])
        are = "others have a vote and reach each other" if kept != 1 else "other has a vote"
        words = f"{kept} {are}; a majority is {model.quorum} of {model.n}."
        if model.n > 1:
            words += " It loses its vote for ever."
        if kept < model.quorum:
            words += " What only it and replicas that are down accepted may be lost for ever."

        def answered(sure: bool | None) -> None:
            if sure:
                self._replica.order(c.WipeCommand(replica))

        self._dialogs.ask_wipe(f"r{replica}", words, answered)
