"""Options that several verbs share, and the files that results are written to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from unibuild.cli.shortcut import DEFAULT_SANDBOX, DOWNLOADS, REMOTE_MODES, WHERE
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    import argparse

SANDBOX_MODES = ("required", "auto", "none")


def add_patterns(parser: argparse.ArgumentParser, *, what: str) -> None:
    """Declare one or more target patterns."""
    parser.add_argument(
        "patterns",
        nargs="+",
        metavar="PATTERN",
        help=f"{what}: //package:name, :name, //package/..., //package:all",
    )


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """Declare what controls a build."""
    parser.add_argument(
        "-j", "--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N",
        help="how many actions run at once (default: the number of processors)",
    )  # fmt: skip
    parser.add_argument(
        "-k", "--keep-going", action="store_true",
        help="after a failure, go on with what does not depend on it",
    )  # fmt: skip
    parser.add_argument(
        "--sandbox", choices=SANDBOX_MODES, default=DEFAULT_SANDBOX,
        help="required (default): no sandbox is an error; auto: fall back, and say so; none",
    )  # fmt: skip
    parser.add_argument(
        "--profile", metavar="FILE", help="write a Chrome trace of the build to FILE"
    )
    parser.add_argument(
        "--execution-log", metavar="FILE",
        help="write a JSON line for each action to FILE: digests of what it read and made",
    )  # fmt: skip
    parser.add_argument("--only-action", default="", metavar="OUTPUT",
                        help="run just the action that makes OUTPUT, even if it is cached")  # fmt: skip
    _add_remote_options(parser)


def _add_remote_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("remote cache and execution")
    group.add_argument(
        "--remote", choices=REMOTE_MODES, default=REMOTE_MODES[0],
        help="on (default): use the servers that are configured, go on without one that fails; "
        "off: use none; required: a server that fails is an error",
    )  # fmt: skip
    group.add_argument(
        "--remote-cache", default="", metavar="URL",
        help="the cache to use (default: UNIBUILD_REMOTE_CACHE, then WORKSPACE.toml)",
    )  # fmt: skip
    group.add_argument(
        "--upload", action="store_true", default=None, help="publish results in the remote cache"
    )
    group.add_argument("--no-upload", action="store_false", dest="upload", help="publish none")
    group.add_argument(
        "--download", choices=DOWNLOADS, default="",
        help="what to bring here of results found remotely: every output, those of the targets "
        "asked for, or none (default: WORKSPACE.toml's, else toplevel)",
    )  # fmt: skip
    group.add_argument(
        "--exec", choices=WHERE, default=WHERE[0], dest="execute",
        help="where actions run: local (default), remote, or auto: both, the first to end wins",
    )  # fmt: skip
    group.add_argument(
        "--remote-exec", action="store_const", const="remote", dest="execute",
        help="the same as --exec=remote",
    )  # fmt: skip


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON value instead of text")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(
            id="bad-usage", cause=f"--jobs wants a number from 1, not {text!r}", hint="--jobs 4"
        )
    return int(text)
