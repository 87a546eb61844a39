"""The null build: decide with ``os`` alone whether a build has anything to do.

``null_build`` understands only plain ``build`` command lines; anything it does not know, it leaves
to the full way by returning ``None``. It must stay free of imports that a null build does not need:
each costs every build of every user.
"""

from __future__ import annotations

import os
import sys

WORKSPACE_FILE = "WORKSPACE.toml"
DEFAULT_SANDBOX = "required"
_FLAGS = ("--json", "--keep-going", "-k")
_VALUED = ("--jobs", "-j", "--sandbox")


def null_build(argv: list[str]) -> int | None:
    """Return the exit code when the command line is a build with nothing to do, else ``None``."""
    directory = ""
    if argv[:1] == ["-C"] and len(argv) > 1:
        directory = argv[1]
        argv = argv[2:]
    if argv[:1] != ["build"]:
        return None
    patterns, options = _split(argv[1:])
    if options is None:
        return None
    here = os.path.abspath(directory)
    root = find_workspace_root(here)
    if root is None:
        return None
    from unibuild.execution import kept_graph

    key = request_key("build", absolute_patterns(patterns, root, here), options.get("--sandbox"))
    report = kept_graph.try_null_build(root, key)
    if report is None:
        return None
    from unibuild.cli import summary

    summary.show_null(report, as_json="--json" in options, prefix=_prefix(root))
    sys.stdout.flush()
    return 0


def find_workspace_root(start: str) -> str | None:
    """Return the nearest directory at or above ``start`` that holds a WORKSPACE.toml."""
    directory = start
    while True:
        if os.path.isfile(os.path.join(directory, WORKSPACE_FILE)):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def absolute_patterns(patterns: list[str], root: str, here: str) -> list[str]:
    """Return ``patterns`` as they read from the workspace's root: ``:image`` gains its package."""
    relative = os.path.relpath(here, root)
    package = "" if relative == "." else relative.replace(os.sep, "/")
    return [_absolute(pattern, package) for pattern in patterns]


def request_key(kind: str, patterns: list[str], sandbox: str | None, host: str = "") -> str:
    """Return the name of the kept graph of this request; ``host`` is what else it depends on."""
    from unibuild import __version__
    from unibuild.execution import kept_graph

    version = f"{__version__} {host}" if host else __version__
    mode = sandbox or DEFAULT_SANDBOX
    return kept_graph.request_key(kind, tuple(patterns), version=version, sandbox=mode)


def _prefix(root: str) -> str:
    relative = os.path.relpath(root)
    return "" if relative == "." else relative


def _absolute(pattern: str, package: str) -> str:
    if pattern.startswith(("//", "@")):
        return pattern
    if pattern.startswith(":"):
        return f"//{package}{pattern}"
    return f"//{package}/{pattern}" if package else f"//{pattern}"


def _split(words: list[str]) -> tuple[list[str], dict[str, str] | None]:
    patterns: list[str] = []
    options: dict[str, str] = {}
    index = 0
    while index < len(words):
        word = words[index]
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            options[word] = ""
        elif name in _VALUED and (equals or index + 1 < len(words)):
            if not equals:
                index += 1
                value = words[index]
            options[name] = value
        elif word.startswith("-"):
            return [], None
        else:
            patterns.append(word)
        index += 1
    return patterns, options if patterns else None
