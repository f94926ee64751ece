"""The command ``paxtui``: every subcommand by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from paxtui import __version__
from paxtui.cli import (
    append,
    backup,
    bench,
    certs,
    check,
    client,
    clusters,
    completion,
    console,
    demo,
    down,
    elect,
    fault,
    guide,
    health,
    help,
    noop,
    read,
    replay,
    replica,
    run,
    signals,
    sim,
    staged,
    status,
    streams,
    tail,
    up,
    usage,
    verify,
    wrapping,
)
from paxtui.cli.guard import EXIT_OK, exit_code_of, guarded, printing
from paxtui.cli.options import ConfigOption, DataDirOption, LogDirOption

wrapping.install()


def new_app(*, completes: bool = False) -> typer.Typer:
    """Return the command line without a subcommand. ``completes``: a shell asks for words."""
    app = typer.Typer(
        name="paxtui",
        no_args_is_help=False,
        cls=help.CommandsBySection,
        add_completion=completes,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help="A terminal console for a real Multi-Paxos cluster.",
        epilog="Exit codes: 0 ok, 1 failed or violated, 2 usage or configuration, 3 unknown outcome, "
        "130 interrupted.",
    )
    app.callback(invoke_without_command=True)(paxtui)
    return app


def paxtui(
    context: typer.Context,
    n: Annotated[
        int | None, typer.Option("-n", metavar="3|5|7", help="Start this many new replicas, on free ports.")
    ] = None,
    config: ConfigOption = None,
    attached: Annotated[
        bool, typer.Option("--attach", help="Show the running replicas of --config; start none.")
    ] = False,
    data_dir: DataDirOption = None,
    log_dir: LogDirOption = None,
    read_only: console.ReadOnlyOption = False,
    ascii: console.AsciiOption = False,
    theme: console.ThemeOption = None,
    fps: console.FpsOption = None,
    name: console.NameOption = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Run a terminal console for a real Multi-Paxos cluster that keeps a replicated message log.

    Without a command: start the replicas of the configuration and show them, full-screen.
    """
    if version:
        print(f"paxtui {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        guarded(console.console)(
            n=n,
            config=config,
            attached=attached,
            data_dir=data_dir,
            log_dir=log_dir,
            read_only=read_only,
            ascii=ascii,
            theme=theme,
            fps=fps,
            name=name,
        )


def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="The command. Default: all of them.",
            autocompletion=help.complete_commands,
        ),
    ] = None,
) -> int:
    """Explain a command.

    Examples:

      paxtui help

      paxtui help fault cut
    """
    return run_words([*(words or []), "--help"])


COMMANDS: dict[str, Callable[..., None]] = {
    "attach": guarded(console.attach),
    "up": guarded(up.up),
    "replica": guarded(replica.replica),
    "clusters": printing(clusters.clusters),
    "down": guarded(down.down),
    "send": guarded(append.send),
    "client": guarded(client.client),
    "tail": printing(tail.tail),
    "read": printing(read.read),
    "status": printing(status.status),
    "health": guarded(health.health),
    "elect": guarded(elect.elect),
    "noop": guarded(noop.noop),
    "tick": guarded(staged.tick),
    "verify": guarded(verify.verify),
    "backup": guarded(backup.backup),
    "restore": guarded(backup.restore),
    "check": guarded(check.check),
    "replay": guarded(replay.replay),
    "run": guarded(run.run),
    "sim": guarded(sim.sim),
    "demo": guarded(demo.demo),
    "bench": printing(bench.bench),
    "guide": printing(guide.guide),
    "help": printing(explain),
    "completion": printing(completion.completion),
}
GROUPS = {"fault": fault.app, "staged": staged.app, "certs": certs.app}


def app_of(words: list[str], *, completes: bool = False) -> typer.Typer:
    """Return the command line with what ``words`` begin with, or with all commands where they begin with
    none.

    Typer reads the signature of every command that it is given, whichever is run: 30 ms of the 100 that
    pass before a replica starts.
    """
    first = words[0] if words else ""
    known = first in COMMANDS or first in GROUPS
    app = new_app(completes=completes)
    for name, command in COMMANDS.items():
        if name == first or not known:
            app.command(name)(command)
    for name, group in GROUPS.items():
        if name == first or not known:
            app.add_typer(group, name=name)
    return app


def main() -> None:
    """Run the program: its entry point."""
    signals.own()
    streams.prepare()
    sys.exit(run_words(sys.argv[1:]))


def run_words(words: list[str]) -> int:
    """Run a command line; its exit code. Option names may have underscores, as the ancestor's had."""
    end = words.index("--") if "--" in words else len(words)  # what follows is text, not options
    words = [*map(_hyphenated, words[:end]), *words[end:]]
    return exit_code_of(lambda: _run(words), needs_output=True)


def _run(words: list[str]) -> int:
    """Run a command line, or answer a shell that wants to complete one."""
    typed = completion.typed_words()
    if typed is not None:
        app_of(typed, completes=True)(words, prog_name="paxtui")
    try:
        code = app_of(words)(words, prog_name="paxtui", standalone_mode=False)
    except usage.UsageError as error:
        return usage.tell(error, words, [*COMMANDS, *GROUPS])
    return code if isinstance(code, int) else EXIT_OK


def _hyphenated(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value
