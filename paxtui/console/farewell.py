"""What is printed when the screen is gone, on a terminal that may be gone as well."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from paxtui.config.folders import replica_folder
from paxtui.console.options import ConsoleOptions
from paxtui.wire.text import visible

REPORT: Final = "console-error.txt"


def print_lines(lines: Iterable[str], *, failed: bool = False) -> None:
    """Print lines, with ``?`` for what the terminal's encoding lacks; where nobody reads, print nothing."""
    stream = sys.stderr if failed else sys.stdout
    if stream is None:
        return
    try:
        for line in lines:
            encoding = stream.encoding or "utf-8"
            print(line.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
    except (OSError, ValueError):  # a closed stream is a ValueError
        # Python would try again at its end, and complain.
        if failed:
            sys.stderr = None
        else:
            sys.stdout = None


def places(options: ConsoleOptions) -> list[str]:
    """Say where data and logs lie of the replicas that this console started."""
    if not options.ours or options.data_dir is None:
        return []
    data = options.data_dir
    folder = replica_folder(data, options.cluster.name, 0).parent
    words = [f"data of {options.cluster.name}: {folder}"]
    if options.log_dir is not None:
        words.append(f"logs of {options.cluster.name}: {options.log_dir}")
    return words


def again(options: ConsoleOptions) -> list[str]:
    """Say how to go on with the cluster that this console started and stopped."""
    return [f"go on with: {options.again}"] if options.ours and options.again else []


def describe_crash(error: BaseException, folder: Path | None) -> str:
    """Say in one line what ended the screen; write the traceback into a file of ``folder``, or of the folder
    for temporary files."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    first = visible(str(error)).partition("\n")[0]
    line = f"paxtui: the screen ended by an error in it: {type(error).__name__}: {first}{where}"
    report = "".join(traceback.format_exception(error))
    for place in (folder, Path(tempfile.gettempdir())):
        if place is None:
            continue
        try:
            place.mkdir(parents=True, exist_ok=True)
            path = place / REPORT
            path.write_text(report, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return f"{line}; the traceback is in {path}"
    return line
