"""Dialogs that act on the cluster: the fault menu, numbers to type, presets, the palette, help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.binding import Binding

from paxtui.console import command_builders
from paxtui.console import commands as c
from paxtui.console.actions.replica import ReplicaActions
from paxtui.console.command_line import Call, Context, OperandError, parse
from paxtui.console.command_line.operands import number
from paxtui.console.commands import Link
from paxtui.console.model.analysis.tolerance import connected_voters
from paxtui.console.preferences import HISTORY_MAX, Preferences
from paxtui.console.rows.help import key_name
from paxtui.console.widgets.ask import LinePrompt
from paxtui.console.widgets.faultmenu import LINK_ITEMS, FaultMenu
from paxtui.console.widgets.help import Help
from paxtui.console.widgets.log import LogPane
from paxtui.console.widgets.menu import Menu
from paxtui.console.widgets.palette import Palette
from paxtui.console.widgets.presets import PresetMenu
from paxtui.console.widgets.wipe import WipeDialog
from paxtui.wire import faults as f

LOSS_STEP = 5.0

ASKED_S = 1.5
"""After so long a replica's report has what was asked for."""

GENERAL_HELP = """\
Select a replica with left and right, then break it: c crashes it, t cuts it off.
tab goes from pane to pane, 1 to 6 show a view, ? in a pane explains that pane."""


class DialogActions(ReplicaActions):
    """The part of the app that asks before it acts."""

    kept: Preferences

    BINDINGS = [
        Binding("question_mark,f1", "help", "help for this pane"),
        Binding("colon,ctrl+p", "palette", "type a command"),
        Binding("x", "fault_menu", "everything that breaks"),
        Binding("C", "crash_proposer", "crash proposer"),
        Binding("minus", "loss(-1)", "less loss"),
        Binding("plus,equals_sign", "loss(1)", "more loss"),
        Binding("P", "presets", "topologies, with a preview"),
        Binding("L", "type_loss", "type the loss in percent"),
        Binding("w", "wipe", "wipe its disk (asks)"),
        Binding("A", "crash_deciding", "crash the leader as it decides"),
    ]

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._asked: dict[Link, tuple[float, float]] = {}
        """By link, the loss that a key asked for, and when: reports come later than keys."""

    def order_all(self, commands: Iterable[c.ConsoleCommand], name: str = "") -> None:
        """Several commands as one deed, which one undo takes back."""
        found = tuple(commands)
        if len(found) == 1:
            self.order(found[0])
        elif found:
            self.order(c.Deed(found, name or ", ".join(map(c.words, found))))

    # Words

    def action_palette(self) -> None:
        """Type a command."""
        self.driver.submit(c.LookAroundCommand())
        self.push_screen(Palette(self.view_state, self._against(), self.kept.commands), self._typed)

    def _against(self) -> Context:
        return Context(self.driver.model, self.driver.scenarios, self.driver.outside.around)

    def _typed(self, text: str | None) -> None:
        if text:
            if self.kept.commands[-1:] != [text]:
                self.kept.commands.append(text)
                del self.kept.commands[:-HISTORY_MAX]
            self.run_words(text)

    def run_words(self, text: str) -> None:
        """Do what the words say, or say what is wrong with them."""
        try:
            intents = parse(text, self._against())
        except OperandError as problem:
            self.say(str(problem), failed=True)
            return
        commands = [intent for intent in intents if not isinstance(intent, Call)]
        self.order_all(commands, " ".join(text.split()))
        for intent in intents:
            if isinstance(intent, Call):
                getattr(self, intent.method)(*intent.arguments)

    # One replica

    def action_crash_proposer(self) -> None:
        """Its proposer stops, or works again; acceptor and learner go on."""
        self.order(command_builders.crash_proposer(self.driver.model, self.view_state.selected))

    def action_loss(self, step: int) -> None:
        """More or less loss on all links from the selected replica."""
        id = self.view_state.selected
        known = self.driver.model.replicas[id].loss_to(-1)
        self.set_loss(id, -1, self.stepped_loss((id, -1), known, step))

    def stepped_loss(self, link: Link, known: float, step: int) -> float:
        """The loss one step from what is known, or from what was asked for just now."""
        now = self.driver.now
        asked, at = self._asked.get(link, (known, now))
        start = asked if now - at < ASKED_S else known
        percent = max(0.0, min(100.0, start + step * LOSS_STEP))
        self._asked[link] = (percent, now)
        return percent

    def action_fault_menu(self) -> None:
        """All that can be done to the selected replica."""
        bar = not self.screen_stack[0].has_class("size-dash") and self.size.height >= 24
        self.push_screen(FaultMenu(self.view_state, bar=bar), self._chosen)

    async def _chosen(self, action: str | None) -> None:
        if action is not None:
            await self.run_action(action)

    def action_type_loss(self) -> None:
        """Type the loss of what the selected replica sends."""
        self.action_type("loss")

    def action_type(self, kind: str) -> None:
        """Type a number for what the selected replica sends, or for its disk."""
        id, n = self.view_state.selected, self.driver.model.n
        if kind == "slow-disk":
            self._ask_number(
                f"r{id}: ms that each commit takes longer (0 ends it)",
                lambda text: command_builders.slow_disk(
                    self.driver.model, id, number(text, "time in ms", 0, 60_000)
                ),
                f"slow-disk r{id}",
            )
        elif n > 1:
            self.ask_link(kind, [(id, to) for to in range(n) if to != id])

    def action_crash_deciding(self) -> None:
        """The leader dies when it next sees a majority."""
        leader = self.driver.model.leader
        if leader is None:
            self.say("nobody leads: nobody can see a majority", failed=True)
        else:
            self.order(c.CrashDecidingCommand(leader[0]))

    def action_disk(self, how: str) -> None:
        """Its next commit fails."""
        self.order(
            c.InjectCommand(self.view_state.selected, f.FullDisk() if how == "full" else f.DiskError())
        )

    def action_wipe(self) -> None:
        """Wipe the selected replica's disk."""
        self.ask_wipe(self.view_state.selected)

    def ask_wipe(self, id: int) -> None:
        """Ask before data are lost."""
        model = self.driver.model
        kept = len([each for each in connected_voters(model) if each != id])
        are = "others have a vote and reach each other" if kept != 1 else "other has a vote"
        words = f"{kept} {are}; a majority is {model.quorum} of {model.n}."
        if model.n > 1:
            words += " It loses its vote for ever."
        if kept < model.quorum:
            words += " What only it and replicas that are down accepted may be lost for ever."

        def answered(sure: bool | None) -> None:
            if sure:
                self.order(c.WipeCommand(id))

        self.push_screen(WipeDialog(f"r{id}", words), answered)

    # Links

    def ask_link(self, kind: str, links: Sequence[Link]) -> None:
        """Type a number for links."""
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
                self.order_all(make(text.strip()), f"{name} {text.strip()}")
            except OperandError as problem:
                self.say(str(problem), failed=True)

        self.push_screen(LinePrompt(prompt), answered)

    def link_menu(self, links: Sequence[Link]) -> None:
        """All that can be done to links."""
        model = self.driver.model
        name = command_builders.named(model.n, links)

        def chosen(id: str | None) -> None:
            if id == "cut":
                self.order(command_builders.cut_or_join(model, links))
            elif id == "straighten":
                self.order_all(command_builders.straighten(model, links), f"straighten {name}")
            elif id is not None:
                self.ask_link(id, links)

        self.push_screen(Menu(self.view_state, f"link {name}", LINK_ITEMS), chosen)

    def action_presets(self) -> None:
        """Choose a topology."""

        def chosen(name: str | None) -> None:
            if name is not None:
                self.run_words(f"preset {name}")

        self.push_screen(PresetMenu(self.view_state), chosen)

    # What only the palette asks for

    def next_slot(self, kind: str) -> None:
        """The next slot of a kind, in the log."""
        log = self.screen_stack[0].query_one(LogPane)
        if kind == "open":
            log.action_next_open()
        elif kind == "hole":
            log.action_next_hole()
        else:
            log.action_match(1 if kind == "match" else -1)

    def follow_log(self) -> None:
        """The end of the log."""
        self.screen_stack[0].query_one(LogPane).follow()

    def see_as(self, viewer: int | None) -> None:
        """Through whose eyes the chat is seen."""
        self.view_state.viewer = viewer

    # Help

    def action_help(self) -> None:
        """About the pane in focus."""
        focused = self.screen_stack[0].focused
        near = list(focused.ancestors_with_self) if focused is not None else []
        pane = next((each for each in near if getattr(each, "HELP", "")), None)
        text = getattr(pane, "HELP", "") or GENERAL_HELP
        title = f"help: {pane.id.removesuffix('-lines')}" if pane is not None and pane.id else "help"
        self.push_screen(Help(self.view_state, title, text, self.global_keys()))

    def global_keys(self) -> list[tuple[str, str]]:
        """Keys of the app, and what they do, as they stand beside the bindings."""
        views = ("1 - 6", "show a view")
        found: dict[str, str] = {}
        ours = [cls for cls in type(self).__mro__ if cls.__module__.startswith("paxtui.")]
        for cls in ours:
            for binding in cls.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.description and not binding.key.isdecimal():
                    found.setdefault(key_name(binding.key), binding.description)
        return [views, *found.items()]
