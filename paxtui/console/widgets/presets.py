"""Topologies to choose from, each with a picture of what it would cut."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.geometry import Size

from paxtui.console.model.analysis.link_status import cut_now
from paxtui.console.model.analysis.presets import PRESETS, chosen_roles, cuts, differing
from paxtui.console.rows import links
from paxtui.console.rows.faults import broken
from paxtui.console.rows.menu import Item
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.menu import Menu
from paxtui.console.widgets.pane import Pane
from paxtui.wire.links import words


class Preview(Pane):
    """The arrows as they would be."""

    preset = next(iter(PRESETS))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.view_state.model.n + 4

    def rows(self, width: int, height: int) -> list[Row]:
        model = self.view_state.model
        leader = model.leader[0] if model.leader is not None else 0
        preset = PRESETS[self.preset]
        found, before = cuts(preset, model.n, leader), cut_now(model)
        rows = links.preview(self.view_state, found, before, width)
        who = chosen_roles(preset, model.n, leader) if model.n > 1 else ()
        roles = ", ".join(f"r{id} is the {role}" for role, id in zip(preset.roles, who, strict=False))
        more, less = len(found - before), len(before - found)
        cut = f"cuts {more} arrow{'s' if more != 1 else ''}, joins {less}"
        nobody = "  (no replica leads: r0 stands for the leader)" if model.leader is None else ""
        stays = [row.what for row in broken(model, self.view_state.now) if not row.what.startswith("cut ")]
        other = f"; stays as it is: {', '.join(stays)}" if stays else ""
        return [
            [],
            fit([(f"{cut}   {roles}", "text"), (nobody, "warn")], width),
            *rows,
            fit([(words(model.n, found), "dim"), (other, "warn")], width),
        ]


class PresetMenu(Menu):
    """A menu of topologies. Its result is the preset's name."""

    def __init__(self, view_state: ViewState) -> None:
        model = view_state.model
        leader = model.leader[0] if model.leader is not None else 0
        found = zip("123456789", differing(model.n, leader), strict=False)
        items = [Item(key, each.name, each.what, each.name) for key, each in found]
        super().__init__(view_state, "presets for links", items)
        self.preview = Preview(view_state)

    def more(self) -> ComposeResult:
        yield self.preview

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(0.5, self.preview.redraw)

    def pointed(self, id: str) -> None:
        self.preview.preset = id
        self.preview.redraw()
