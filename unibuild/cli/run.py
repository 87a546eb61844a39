"""Build an image and start it here, with its console in this terminal.

    unibuild run //hello:image
    unibuild run //services/dns:image -p 5353:53/udp -p 5353:53/tcp
    unibuild run //hello:image -- first second          arguments for the program
    echo text | unibuild run //tools/filter:image       standard input is the console's

The exit status is the program's own. Ctrl-C stops the machine.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from unibuild.cli import options
from unibuild.cli.workspace import Composition

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal

PASSES_ARGUMENTS = True
_EXIT_TIMEOUT = 124  # as timeout(1) has it


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image, its ports, memory and accelerator."""
    parser.add_argument("label", metavar="LABEL", help="the image to start")
    parser.add_argument(
        "-p", "--publish", action="append", default=[], metavar="HOST:GUEST[/udp|/tcp]",
        help="forward a port of this machine to the guest (default: tcp); may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--memory", default="", metavar="SIZE",
        help="memory of the machine, such as 16M (default: what the image says)",
    )  # fmt: skip
    parser.add_argument(
        "--accel", choices=("auto", "kvm", "tcg"), default="auto",
        help="auto (default) tries KVM on a tiny guest first, and emulates when it does not work",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS",
        help="stop the machine after this long; the exit status is then 124",
    )  # fmt: skip
    parser.add_argument(
        "--strict-syscalls", action="store_true",
        help="end a Linux program at the first system call that the image lacks (status 159), "
        "instead of answering ENOSYS",
    )  # fmt: skip
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image, boot it, return the program's exit status."""
    from unibuild.machine.ports import parse_forward
    from unibuild.machine.run import RunOptions, run_image

    forwards = tuple(parse_forward(text) for text in arguments.publish)
    composition = Composition.here(terminal)
    manifest = composition.manifest_path(composition.build_one(arguments, arguments.label))
    settings = RunOptions(
        memory=arguments.memory,
        accelerator=arguments.accel,
        forwards=forwards,
        arguments=tuple(arguments.passed),
        timeout=arguments.timeout,
        input=_input(),
        strict_calls=arguments.strict_syscalls,
    )
    outcome = run_image(manifest, settings, write=_write, note=terminal.note)
    return _EXIT_TIMEOUT if outcome.status is None else outcome.status


def _input() -> BinaryIO | None:
    """Return standard input for the guest's console; a job in the background must not read it."""
    try:
        if os.isatty(0) and os.tcgetpgrp(0) != os.getpgrp():
            return None
    except OSError:
        return None
    return sys.stdin.buffer


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
