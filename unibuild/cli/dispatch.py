"""From a command line to the verb's module: global options, help, near names."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from unibuild import __version__
from unibuild.cli.verbs import GROUPS, VERBS
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from unibuild.cli.terminal import Terminal

_EXAMPLES = (
    ("unibuild build //services/dns:image", "from declared inputs to a bootable image"),
    ("unibuild run //services/dns:image -p 5353:53/udp", "boot it here"),
    ("unibuild test //...", "every test of the workspace"),
    ("unibuild explain //services/dns:image", "what is inside, and why"),
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are ``UserError``s, like all others."""

    def error(self, message: str) -> NoReturn:
        """Raise the mistake instead of printing it and exiting."""
        raise UserError(id="bad-usage", cause=message.rstrip("."), hint=f"see '{self.prog} --help'")


def dispatch(argv: list[str], terminal: Terminal) -> int:
    """Find the verb, parse its arguments, run it, return the exit code."""
    rest, directory, wants_help = _global_options(argv)
    if directory:
        _enter(directory)
    if not rest or rest[0] == "help":
        return _help(rest[1:], terminal)
    if wants_help:
        return _help([], terminal)
    if rest[0] in ("version", "--version"):
        terminal.data(f"unibuild {__version__}")
        return 0
    name, *arguments = rest
    if name not in VERBS:
        raise _unknown_verb(name)
    module = importlib.import_module(f"unibuild.cli.{VERBS[name].module}")
    parser = parser_for(name)
    passed: list[str] = []
    if "--" in arguments and getattr(module, "PASSES_ARGUMENTS", False):
        cut = arguments.index("--")
        arguments, passed = arguments[:cut], arguments[cut + 1 :]
    parsed = parser.parse_args(arguments)
    parsed.passed = passed
    code: int = module.execute(parsed, terminal)
    return code


def parser_for(name: str) -> Parser:
    """Return the argument parser of the verb ``name`` (also read for completion and the docs)."""
    verb = VERBS[name]
    module = importlib.import_module(f"unibuild.cli.{verb.module}")
    parser = Parser(
        prog=f"unibuild {name}",
        description=(module.__doc__ or verb.summary).strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--debug", action="store_true", help="show a traceback for any error")
    module.configure(parser)
    return parser


def _global_options(argv: list[str]) -> tuple[list[str], str, bool]:
    """Take ``-C DIR``, ``--debug`` and ``--help`` from before the verb."""
    directory = ""
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "-C":
            if index + 1 == len(argv):
                raise UserError(id="bad-usage", cause="-C needs a directory", hint="-C DIR")
            directory = str(Path(directory) / argv[index + 1])
            index += 2
        elif word == "--debug":
            index += 1
        elif word in ("-h", "--help"):
            return argv[index + 1 :], directory, True
        elif word.startswith("-") and word != "--version":
            raise UserError(
                id="bad-usage",
                cause=f"unknown global option {word}",
                hint="options of a verb come after it; before it: -C DIR, --debug, --help",
            )
        else:
            break
    return argv[index:], directory, False


def _enter(directory: str) -> None:
    try:
        os.chdir(directory)
    except OSError as error:
        raise UserError(
            id="bad-directory",
            cause=f"cannot enter {directory}: {error.strerror}",
            hint="-C names the directory to work in",
        ) from None


def _unknown_verb(name: str) -> UserError:
    near = difflib.get_close_matches(name, VERBS, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(repr(word) for word in near)}?" if near else ""
    return UserError(
        id="unknown-verb",
        cause=f"there is no verb {name!r}",
        hint=hint or "'unibuild help' lists the verbs",
    )


def _help(topics: list[str], terminal: Terminal) -> int:
    if topics:
        if topics[0] not in VERBS:
            raise _unknown_verb(topics[0])
        terminal.data(parser_for(topics[0]).format_help().rstrip())
        return 0
    lines = [
        f"unibuild {__version__}: bootable unikernel images from declared inputs",
        "",
        "usage: unibuild [-C DIR] [--debug] VERB [ARGUMENTS]",
        "",
        "examples:",
    ]
    width = max(len(command) for command, _ in _EXAMPLES)
    lines += [f"  {command.ljust(width)}   {what}" for command, what in _EXAMPLES]
    for group, verbs in GROUPS:
        lines += ["", f"{group}:"]
        lines += [f"  {verb.name.ljust(11)} {verb.summary}" for verb in verbs]
    lines += ["", "'unibuild help VERB' tells more. Labels: //package:name, //package/..., :name."]
    for line in lines:
        terminal.data(line)
    return 0
