"""``paxtui completion``: the few lines by which a shell completes commands, options and values."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from paxtui.cli.completers import SHELLS, one_of
from paxtui.cli.guard import EXIT_OK, EXIT_USAGE, Failure

VARIABLE: Final = "_PAXTUI_COMPLETE"
"""A script of a shell sets it when it asks; Typer reads it."""

BASH: Final = r"""# Completion of paxtui for bash 4.4 or newer.
_paxtui_completion() {
    mapfile -t COMPREPLY < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \
        _PAXTUI_COMPLETE=complete_bash "$1" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && -z ${COMPREPLY[0]} ]] && COMPREPLY=()
    return 0
}
complete -o default -o nosort -F _paxtui_completion paxtui
"""

ZSH: Final = r"""#compdef paxtui
# Completion of paxtui for zsh.
_paxtui_completion() {
    eval "$(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _PAXTUI_COMPLETE=complete_zsh paxtui 2>/dev/null)"
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _paxtui_completion "$@"
else
    compdef _paxtui_completion paxtui
fi
"""

FISH: Final = r"""# Completion of paxtui for fish.
function __paxtui_complete
    set -lx _PAXTUI_COMPLETE complete_fish
    set -lx _TYPER_COMPLETE_FISH_ACTION $argv[1]
    set -lx _TYPER_COMPLETE_ARGS (commandline -cp)
    paxtui 2>/dev/null
end
complete --command paxtui --no-files --condition '__paxtui_complete is-args' \
    --arguments '(__paxtui_complete get-args)'
"""

SCRIPTS: Final = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(
    shell: Annotated[
        str | None,
        typer.Argument(
            metavar="bash|zsh|fish",
            help="The shell. Default: the one that SHELL names.",
            autocompletion=one_of(*SHELLS),
        ),
    ] = None,
) -> int:
    """Print the lines by which a shell completes paxtui.

    With tab it completes commands, options, and values: scenarios, links, replicas, events, mutants, pages of
    the guide, clusters that run here.

    Examples:

      eval "$(paxtui completion bash)"

      paxtui completion bash >> ~/.bashrc

      paxtui completion zsh > ~/.zfunc/_paxtui

      paxtui completion fish > ~/.config/fish/completions/paxtui.fish
    """
    found = shell if shell is not None else os.path.basename(os.environ.get("SHELL", ""))
    if found not in SCRIPTS:
        what = f"{found!r} is not known" if found else "SHELL is not set"
        raise Failure(f"completion: {what}; bash, zsh and fish are: `paxtui completion bash`", EXIT_USAGE)
    print(SCRIPTS[found], end="")
    return EXIT_OK


def typed_words() -> list[str] | None:
    """Return the first words of the command line that a shell wants to complete; ``None`` if none does.

    They decide which commands Typer is given. A first word that is not finished needs all of them.
    """
    if VARIABLE not in os.environ:
        return None
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()[1:]
    return words if len(words) > 1 or line.endswith(" ") else []
