"""A cluster by its name, for ``--at``: one that this user started, or the configured one."""

from __future__ import annotations

from pathlib import Path

import typer


def cluster_at(context: typer.Context, at: str | None) -> str | None:
    """Return what ``--at`` means: addresses, or the file of the cluster that has this name. Raises
    :class:`ConfigError` with the names that are known."""
    if at is None or ":" in at or context.resilient_parsing or Path(at).exists():
        return at
    return _place(at)


def _place(name: str) -> str:
    from paxtui.cli import running
    from paxtui.cli.kept import kept_folder
    from paxtui.config import cluster_file
    from paxtui.config.cluster_file import ConfigError
    from paxtui.console.driver import known_clusters
    from paxtui.words.suggestions import did_you_mean

    kept, configured = kept_folder(), cluster_file.find(None)
    known = {configured.digest: configured}
    for each in known_clusters.known(kept):
        known.setdefault(each.digest, each)
    same = [each for each in known.values() if each.name == name]
    if not same:
        names = list(dict.fromkeys(each.name for each in known.values()))
        raise ConfigError(
            f'--at: no cluster "{name}" is known here; {did_you_mean(name, names)}known: {", ".join(names)}; '
            "other clusters are HOST:PORT, such as localhost:7400"
        )
    one = same[0]
    if len(same) > 1:  # programs that were killed leave their files behind: what runs is meant
        one = running.named(name, running.find_running(kept, configured)).cluster
    if kept is None or one.digest == configured.digest:
        return one.source if Path(one.source).exists() else known_clusters.addresses(one)
    return str(known_clusters.file_of(kept, one))
