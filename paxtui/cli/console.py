"""``paxtui`` and ``paxtui attach``: the full-screen console."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_clusters, complete_themes
from paxtui.cli.kept import kept_folder
from paxtui.cli.options import ConfigOption

if TYPE_CHECKING:
    from paxtui.config.cluster_file import Cluster

FPS = 10
FPS_SSH = 4
"""Over SSH each frame costs somebody's bandwidth."""

DUMB = ("dumb", "unknown")
"""Values of ``TERM`` for terminals that only print, such as the shell within an editor."""

ReadOnlyOption = Annotated[bool, typer.Option("--read-only", help="Only look: no key changes anything.")]
AsciiOption = Annotated[bool, typer.Option("--ascii", help="Use ASCII characters only.")]
ThemeOption = Annotated[
    str | None,
    typer.Option(
        "--theme",
        metavar="NAME",
        help="Colours: dark, light, colour-blind, ansi or no-color.",
        autocompletion=complete_themes,
    ),
]
FpsOption = Annotated[
    int | None,
    typer.Option(
        "--fps", metavar="N", min=1, max=30, help="Frames per second, at most. Default: 10, or 4 over SSH."
    ),
]
NameOption = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Your name in the chat.")]


def attach(
    at: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|HOST:PORT,...",
            help="The name of a cluster that runs here, or addresses of some replicas.",
            autocompletion=complete_clusters,
        ),
    ] = None,
    config: ConfigOption = None,
    read_only: ReadOnlyOption = False,
    ascii: AsciiOption = False,
    theme: ThemeOption = None,
    fps: FpsOption = None,
    name: NameOption = None,
) -> int:
    """Show a running cluster. No key changes anything until you type `:arm`.

    Without a name it shows the cluster of --config or PAXTUI_CONFIG. Without these, it shows the only cluster
    that runs here. If several run, it lists them.

    Examples:

      paxtui attach

      paxtui attach local-5

      paxtui attach 127.0.0.1:7400
    """
    need_a_terminal()
    check_theme(theme)
    cluster, asked = _attached(at, config)
    return show(
        cluster,
        (),
        read_only=read_only,
        ascii=ascii,
        theme=theme,
        fps=fps,
        name=name,
        armed=False,
        asked=asked,
    )


def _attached(at: str | None, config: Path | None) -> tuple[Cluster, bool]:
    """Find the cluster to show, and whether only its replicas have described it."""
    import trio

    from paxtui.cli import running
    from paxtui.client import resolve
    from paxtui.config import cluster_file as configuration

    if at is not None and (":" in at or Path(at).exists()):
        return trio.run(resolve, at), not Path(at).exists()
    if at is None and (config is not None or os.environ.get(configuration.CONFIG_VARIABLE)):
        cluster = trio.run(resolve, config)
        running.need_running(cluster, kept_folder())
        return cluster, False
    found = running.find_running(kept_folder(), configuration.find(config))
    one = running.only(found, "attach") if at is None else running.named(at, found)
    return trio.run(resolve, one.cluster), False


def console(
    *,
    n: int | None,
    config: Path | None,
    attached: bool,
    data_dir: Path | None,
    log_dir: Path | None,
    read_only: bool,
    ascii: bool,
    theme: str | None,
    fps: int | None,
    name: str | None,
) -> int:
    """Start the replicas of a configuration, or new ones, and show them."""
    from paxtui.cli.replica_options import message_log_folder
    from paxtui.config import cluster_file as configuration
    from paxtui.config.cluster_file import ConfigError
    from paxtui.config.folders import data_root

    need_a_terminal()
    if n is not None and (config is not None or attached):
        raise ConfigError("-n starts new replicas; it goes neither with --config nor with --attach")
    if n is not None and n not in (1, 3, 5, 7, 9):
        raise ConfigError(f"-n: {n} is no size of a cluster; 1, 3, 5, 7 and 9 are")
    check_theme(theme)
    root = data_root(data_dir)
    if n is not None:
        cluster = configuration.local(n, configuration.free_ports(n), name=f"local-{n}")
        root = _new_folder(root, time.strftime("console-%Y%m%d-%H%M%S"))
        logs: Path = root
        again = _kept(configuration.to_toml(cluster), root)
    else:
        cluster = configuration.find(config)
        logs = message_log_folder(cluster, log_dir)
        given = {"--config": config, "--data-dir": data_dir, "--log-dir": log_dir}
        again = shlex.join(["paxtui", *_absolute(given)])
    return show(
        cluster,
        () if attached else tuple(range(cluster.n)),
        data_dir=root,
        log_dir=logs,
        read_only=read_only,
        ascii=ascii,
        theme=theme,
        fps=fps,
        name=name,
        armed=not attached,
        again="" if attached else again,
    )


def _absolute(given: Mapping[str, Path | None]) -> list[str]:
    return [word for option, path in given.items() if path for word in (option, os.path.abspath(path))]


def _kept(cluster_file: str, root: Path) -> str:
    """Keep the file of a new cluster beside its data; return the command that goes on with it, empty where
    the file cannot be written."""
    file = root / "cluster.toml"
    try:
        file.write_text(cluster_file, encoding="utf-8")
    except OSError:
        return ""  # the replicas say what is wrong with the folder
    return shlex.join(["paxtui", *_absolute({"--config": file, "--data-dir": root, "--log-dir": root})])


def _new_folder(root: Path, name: str) -> Path:
    """Create a folder that nothing else uses: a second comes twice where a clock is set back, and two
    consoles may start in the same one."""
    for number in range(1, 100):
        path = root / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:
            break  # the replicas say what is wrong with it
        return path
    return root / name


def show(
    cluster: Cluster,
    ours: tuple[int, ...],
    *,
    armed: bool,
    read_only: bool = False,
    ascii: bool = False,
    theme: str | None = None,
    fps: int | None = None,
    name: str | None = None,
    asked: bool = False,
    data_dir: Path | None = None,
    log_dir: Path | None = None,
    again: str = "",
    arguments: tuple[str, ...] = ("--allow-faults", "--warm-up", "all"),
) -> int:
    """Open the console. ``asked``: the cluster is known from one of its replicas, not from a file."""
    from paxtui.console.options import ConsoleOptions
    from paxtui.console.run import run
    from paxtui.net.tls.credentials import of_tool

    check_theme(theme)
    if cluster.tls is not None:
        of_tool(cluster.tls)  # what cannot serve is told before the screen opens
    over_ssh = "SSH_CONNECTION" in os.environ
    return run(
        ConsoleOptions(
            cluster=cluster,
            ours=ours,
            data_dir=data_dir,
            log_dir=log_dir,
            again=again,
            arguments=arguments,
            armed=armed and not read_only,
            read_only=read_only,
            asked=asked,
            name=_name(name),
            theme=theme,
            ascii=ascii,
            fps=fps if fps is not None else FPS_SSH if over_ssh else FPS,
            preferences_dir=kept_folder(),
        )
    )


def need_a_terminal() -> None:
    """Refuse to draw into a file, or where a cursor cannot be moved."""
    from paxtui.config.cluster_file import ConfigError

    otherwise = "`paxtui demo` is the story as text, `paxtui up` starts replicas"
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise ConfigError(f"the console needs a terminal; {otherwise}")
    term = os.environ.get("TERM", "")
    if term in DUMB:
        raise ConfigError(
            f"the console needs a terminal that can move its cursor, and TERM is {term}; {otherwise}"
        )


def check_theme(theme: str | None) -> None:
    """Refuse a name that is no theme's, and what is wrong in the user's own file of keys and themes."""
    from paxtui.config.cluster_file import ConfigError
    from paxtui.console.theme.styles import PALETTES

    folder = kept_folder()
    if folder is not None and (folder / "console.toml").exists():
        from paxtui.console import customs
        from paxtui.console.widgets.arrangement import keys_of_panes

        customs.load(folder, keys_of_panes())

    if theme is not None and theme not in PALETTES:
        raise ConfigError(f"--theme: {theme!r} is not known; {', '.join(PALETTES)} are")


def _name(named: str | None) -> str:
    """Return a name for the chat: the one given, the user's, or ``you``."""
    import getpass

    from paxtui.client import check_name
    from paxtui.wire.session import name_in_id

    if named is not None:
        check_name(named)
        return named
    try:
        return name_in_id(getpass.getuser()[:64])
    except (OSError, KeyError):
        return "you"
