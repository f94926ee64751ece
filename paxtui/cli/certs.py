"""``paxtui certs``: a private authority for one cluster, and certificates for all who talk to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.guard import guarded, printing

if TYPE_CHECKING:
    from paxtui.config.identity import Role
    from paxtui.net.tls.authority import StoredCertificate

FOLDER = "certs"

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make and list the certificates of a cluster.\n\n"
    "A certificate says who its holder is and what the holder may do.",
)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Folder of the certificates. Default: PAXTUI_TLS_FOLDER, or ./certs.",
        envvar="PAXTUI_TLS_FOLDER",
        show_envvar=False,
    ),
]
DaysOption = Annotated[
    int, typer.Option("--days", metavar="N", min=1, max=36500, help="It is valid for this many days.")
]
RenewOption = Annotated[bool, typer.Option("--renew", help="Replace the certificate and the key that exist.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The person or the program that will hold it.")
]


def init(
    folder: FolderOption = None,
    cluster: Annotated[
        str,
        typer.Option("--cluster", metavar="NAME", help="The name of the cluster, for people who read it."),
    ] = "a cluster",
    days: DaysOption = 3650,
) -> None:
    """Make the authority that signs all certificates.

    Each cluster has one authority of its own.

    Example: paxtui certs init --folder certs --cluster demo
    """
    from paxtui.net.tls.authority import Authority

    folder = folder or Path(FOLDER)
    made = Authority(folder).create(cluster, days)
    print(f"{made.certificate}  goes to all replicas and tools")
    print(f"{made.key}  signs certificates; who has it can make any of them: keep it away from replicas")
    at = "" if str(folder) == FOLDER else f" --folder {folder}"
    print(f"next: paxtui certs replica 0 1 2{at}; paxtui certs operator NAME{at}")


def replica(
    ids: Annotated[list[str], typer.Argument(metavar="N", help="The ids of the replicas.")],
    folder: FolderOption = None,
    days: DaysOption = 365,
    renew: RenewOption = False,
) -> None:
    """Make certificates for replicas.

    The holder can act as this replica on any machine, and as no other replica.

    Example: paxtui certs replica 0 1 2
    """
    _issue("replica", ids, folder, days, renew)


def client(
    name: NameArgument, folder: FolderOption = None, days: DaysOption = 365, renew: RenewOption = False
) -> None:
    """Make a certificate that lets its holder append and read.

    Example: paxtui certs client ada
    """
    _issue("client", [name], folder, days, renew)


def operator(
    name: NameArgument, folder: FolderOption = None, days: DaysOption = 365, renew: RenewOption = False
) -> None:
    """Make a certificate that allows everything.

    The holder may append, read, watch, start elections and inject faults.

    Example: paxtui certs operator eve
    """
    _issue("operator", [name], folder, days, renew)


def observer(
    name: NameArgument, folder: FolderOption = None, days: DaysOption = 365, renew: RenewOption = False
) -> None:
    """Make a certificate that lets its holder watch and read.

    The holder can change nothing.

    Example: paxtui certs observer wall
    """
    _issue("observer", [name], folder, days, renew)


def show(folder: FolderOption = None) -> int:
    """List the certificates of a folder.

    For each, it shows the holder, the last day and what is wrong with it. Exit code 1 if one is wrong.

    Example: paxtui certs show --folder certs
    """
    from paxtui.net.tls.authority import Authority

    found = Authority(folder or Path(FOLDER)).survey()
    print("\n".join(_rows(found)))
    return 1 if any(each.problem for each in found) else 0


def _issue(role: Role, names: list[str], folder: Path | None, days: int, renew: bool) -> None:
    from paxtui.config.cluster_file import ConfigError
    from paxtui.config.identity import NoRole, identity
    from paxtui.net.tls.authority import Authority

    try:
        identities = [identity(role, name) for name in names]
    except NoRole as error:
        raise ConfigError(f"certs {role}: {error}") from None
    authority = Authority(folder or Path(FOLDER))
    for each in identities:
        made = authority.issue(each, days, renew=renew)
        print(f"{made.certificate}  {made.key}  {each}, until {made.until:%Y-%m-%d}")


def _rows(found: list[StoredCertificate]) -> list[str]:
    table = [("file", "says", "until", "")]
    for each in found:
        until = "?" if each.until is None else f"{each.until:%Y-%m-%d}"
        table.append((f"{each.name}.pem", each.says, until, each.problem or "ok"))
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


app.command("init")(guarded(init))
app.command("replica")(guarded(replica))
app.command("client")(guarded(client))
app.command("operator")(guarded(operator))
app.command("observer")(guarded(observer))
app.command("show")(printing(show))
