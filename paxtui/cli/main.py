"""The command ``paxtui``: every subcommand by name."""

from __future__ import annotations

import sys
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
    console,
    demo,
    elect,
    fault,
    health,
    noop,
    read,
    replica,
    run,
    signals,
    sim,
    status,
    streams,
    tail,
    up,
    verify,
    wrapping,
)
from paxtui.cli.guard import exit_code_of, guarded, printing
from paxtui.cli.options import ConfigOption, DataDirOption, LogDirOption

wrapping.install()

app = typer.Typer(
    name="paxtui",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="A terminal console for a real Multi-Paxos cluster.",
    epilog="Exit codes: 0 ok, 1 failed or violated, 2 usage or configuration, 3 unknown outcome, "
    "130 interrupted.",
)


@app.callback(invoke_without_command=True)
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
    """A terminal console for a real Multi-Paxos cluster that keeps a replicated message log.

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


app.command("attach")(guarded(console.attach))
app.command("replica")(guarded(replica.replica))
app.command("up")(guarded(up.up))
app.command("send")(guarded(append.send))
app.command("client")(guarded(client.client))
app.command("tail")(printing(tail.tail))
app.command("read")(printing(read.read))
app.command("status")(printing(status.status))
app.command("health")(guarded(health.health))
app.add_typer(fault.app, name="fault")
app.add_typer(certs.app, name="certs")
app.command("elect")(guarded(elect.elect))
app.command("noop")(guarded(noop.noop))
app.command("verify")(guarded(verify.verify))
app.command("backup")(guarded(backup.backup))
app.command("restore")(guarded(backup.restore))
app.command("check")(guarded(check.check))
app.command("run")(guarded(run.run))
app.command("sim")(guarded(sim.sim))
app.command("demo")(guarded(demo.demo))
app.command("bench")(printing(bench.bench))


def main() -> None:
    """The entry point."""
    signals.own()
    streams.prepare()
    sys.exit(run_words(sys.argv[1:]))


def run_words(words: list[str]) -> int:
    """Run a command line; its exit code. Option names may have underscores, as the ancestor's had."""
    end = words.index("--") if "--" in words else len(words)  # what follows is text, not options
    words = [*map(_hyphenated, words[:end]), *words[end:]]
    return exit_code_of(lambda: app(words, prog_name="paxtui"), needs_output=True)


def _hyphenated(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value
