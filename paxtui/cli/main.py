"""The command ``paxtui``: every subcommand by name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from paxtui import __version__
from paxtui.cli import (
    append,
    check,
    client,
    demo,
    elect,
    fault,
    noop,
    read,
    replica,
    run,
    sim,
    status,
    tail,
    up,
    verify,
)
from paxtui.cli.guard import guarded

app = typer.Typer(
    name="paxtui",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="A terminal console for a real Multi-Paxos cluster.",
    epilog="Exit codes: 0 ok, 1 failed or violated, 2 usage or configuration, 3 unknown outcome.",
)


@app.callback(invoke_without_command=True)
def paxtui(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """A terminal console for a real Multi-Paxos cluster that keeps a replicated message log.

    Without a command: a demonstration on three local replicas (the full-screen console is being built).
    """
    if version:
        print(f"paxtui {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        guarded(demo.demo)()


app.command("replica")(guarded(replica.replica))
app.command("up")(guarded(up.up))
app.command("send")(guarded(append.send))
app.command("client")(guarded(client.client))
app.command("tail")(guarded(tail.tail))
app.command("read")(guarded(read.read))
app.command("status")(guarded(status.status))
app.add_typer(fault.app, name="fault")
app.command("elect")(guarded(elect.elect))
app.command("noop")(guarded(noop.noop))
app.command("verify")(guarded(verify.verify))
app.command("check")(guarded(check.check))
app.command("run")(guarded(run.run))
app.command("sim")(guarded(sim.sim))
app.command("demo")(guarded(demo.demo))


def main() -> None:
    """The entry point. Option names may be spelled with underscores, as the ancestor did."""
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)  # what follows is text, not options
    sys.argv[1:] = [*map(_hyphenated, words[:end]), *words[end:]]
    app(prog_name="paxtui")


def _hyphenated(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value
