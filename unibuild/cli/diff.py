"""What differs between two outputs, and why: from the image down to symbols and bytes.

    unibuild diff unibuild-out/hello/image.elf elsewhere/image.elf
    unibuild diff unibuild-out elsewhere/unibuild-out --json

A and B are two files or two folders; B is what was found where A was expected. ELF files are taken
apart by sections, segments and symbols (NAME.symbols, NAME.manifest.json and NAME.map beside NAME.elf
name what the file itself does not), archives and root archives by their entries, JSON by its values,
text by its lines. The first cause is told from what stands there: a date, a path, an order, …; where
nothing tells it, that is said. Exit status: 0 equal, 4 different.

--json prints {"equal", "cause", "first_cause", "tree"}. A node of the tree has name, kind, words,
offset, expected and found (the differing bytes, at most 64, in hexadecimal), cause {"id", "words"},
origin, follows (true: only because something else differs), left_out (children not listed), children;
what is empty is left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal
    from unibuild.verify.difference import Difference

DIFFERENT = 4
_SECONDS = 300


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the two outputs and how much is shown."""
    parser.add_argument("expected", metavar="A", type=Path, help="what was expected")
    parser.add_argument("found", metavar="B", type=Path, help="what was found")
    parser.add_argument(
        "--depth", type=_count, metavar="N", help="draw N levels of the tree (default: 6)"
    )
    parser.add_argument("--all", action="store_true", help="draw the whole tree, nothing left out")
    parser.add_argument(
        "--diffoscope",
        action="store_true",
        help="let diffoscope, when it is on PATH, report as well",
    )
    options.add_json(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Compare, print, and return 0 when nothing differs."""
    from unibuild.verify.difference import explain

    program = _diffoscope() if arguments.diffoscope else ""
    difference = explain(arguments.expected, arguments.found)
    _refuse_damaged(difference, arguments)
    if arguments.json:
        terminal.data(json.dumps(_document(difference)))
    else:
        _draw(difference, arguments, terminal)
    if program:
        _report_of(program, arguments, terminal)
    return 0 if difference.equal else DIFFERENT


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(
            "bad-usage", f"--depth wants a number from 1, not {text!r}", hint="--depth 3"
        )
    return int(text)


def _document(difference: Difference) -> dict[str, object]:
    return {
        "equal": difference.equal,
        "cause": difference.cause_id,
        "first_cause": difference.first_cause,
        "tree": None if difference.equal else difference.document(),
    }


def _draw(difference: Difference, arguments: argparse.Namespace, terminal: Terminal) -> None:
    from unibuild.verify.difference.drawing import DEPTH, Limits, lines

    if difference.equal:
        terminal.data("equal")
        return
    label = terminal.style("first cause:", "yellow-bold")
    terminal.data(f"{label} {difference.first_cause}")
    limits = Limits(0, 0, 0) if arguments.all else Limits(DEPTH)
    if arguments.depth:
        limits = Limits(arguments.depth, limits.children, limits.rows)
    for line in lines(difference, limits, terminal.style):
        terminal.data(line)


def _refuse_damaged(difference: Difference, arguments: argparse.Namespace) -> None:
    for side, words in difference.damaged:
        path = arguments.expected if side == "expected" else arguments.found
        raise UserError(
            "damaged-output",
            f"{path} {words}",
            hint="was it copied or downloaded whole? 'cmp' compares any bytes",
        )


def _diffoscope() -> str:
    import shutil

    program = shutil.which("diffoscope")
    if program is None:
        raise HostError(
            "no-diffoscope",
            "diffoscope is not on PATH",
            hint="install the package diffoscope, or leave --diffoscope out",
        )
    return program


def _report_of(program: str, arguments: argparse.Namespace, terminal: Terminal) -> None:
    """Let diffoscope compare the same; its report goes where ours went, or beside JSON to stderr."""
    import subprocess

    from unibuild.verify.difference.tree import printable

    command = [program, "--text", "-", "--", str(arguments.expected), str(arguments.found)]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise HostError(
            "diffoscope-failed", f"diffoscope did not end within {_SECONDS} seconds"
        ) from error
    if done.returncode not in (0, 1):
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-5:]
        raise HostError("diffoscope-failed", "diffoscope failed", detail=tuple(words))
    say = terminal.note if arguments.json else terminal.data
    say("diffoscope: equal" if done.returncode == 0 else "diffoscope:")
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        say(printable(line.expandtabs()))
