"""The shortcuts of a plain ``build``: nothing to do, or something that the kept graph can tell.

``understand`` reads only plain ``build`` command lines; anything it does not know, it leaves to the
full way. ``null_build`` then decides with ``os`` alone whether there is anything to do. This module
must stay free of imports that a null build does not need: each costs every build of every user.
"""

from __future__ import annotations

import os
import sys

WORKSPACE_FILE = "WORKSPACE.toml"
DEFAULT_SANDBOX = "required"
REMOTE_VARIABLE = "UNIBUILD_REMOTE_CACHE"
REMOTE_MODES = ("on", "off", "required")
DOWNLOADS = ("all", "toplevel", "minimal")
WHERE = ("local", "remote", "auto")
_FLAGS = {
    "--json": ("json", ""),
    "--keep-going": ("keep_going", ""),
    "-k": ("keep_going", ""),
    "--upload": ("upload", "yes"),
    "--no-upload": ("upload", "no"),
    "--remote-exec": ("execute", "remote"),
}
_VALUED = {
    "--jobs": "jobs",
    "-j": "jobs",
    "--sandbox": "sandbox",
    "--remote": "remote",
    "--remote-cache": "remote_cache",
    "--download": "download",
    "--exec": "execute",
}
_CHOICES = {
    "sandbox": (DEFAULT_SANDBOX, "auto", "none"),
    "remote": REMOTE_MODES,
    "download": DOWNLOADS,
    "execute": WHERE,
}
_REMOTE_OPTIONS = frozenset({"remote", "remote_cache", "upload", "download", "execute"})


class PlainBuild:
    """A ``build`` as typed: absolute patterns, options by name, and the name of its kept graph."""

    __slots__ = ("key", "options", "patterns", "root")

    def __init__(self, root: str, patterns: list[str], options: dict[str, str]) -> None:
        """Name the kept graph of ``patterns`` in the workspace at ``root``."""
        self.root = root
        self.patterns = patterns
        self.options = options
        self.key = request_key(
            "build", patterns, self.sandbox, download=options.get("download", "")
        )

    @property
    def sandbox(self) -> str:
        """The sandbox mode asked for."""
        return self.options.get("sandbox", DEFAULT_SANDBOX)

    @property
    def names_servers(self) -> bool:
        """Whether an option is about remote servers."""
        return not _REMOTE_OPTIONS.isdisjoint(self.options)

    @property
    def prefix(self) -> str:
        """What to put before a path of the workspace to use it from where the user is."""
        relative = os.path.relpath(self.root)
        return "" if relative == "." else relative


def understand(argv: list[str]) -> PlainBuild | None:
    """Return the plain build that a command line asks for, or ``None`` for anything else."""
    directory = ""
    if argv[:1] == ["-C"] and len(argv) > 1:
        directory = argv[1]
        argv = argv[2:]
    if argv[:1] != ["build"]:
        return None
    patterns, options = _split(argv[1:])
    if options is None or any(
        name in options and options[name] not in allowed for name, allowed in _CHOICES.items()
    ):
        return None
    if not options.get("jobs", "1").isdecimal() or options.get("jobs") == "0":
        return None
    here = os.path.abspath(directory)
    root = find_workspace_root(here)
    if root is None:
        return None
    return PlainBuild(root, absolute_patterns(patterns, root, here), options)


def null_build(asked: PlainBuild) -> int | None:
    """Return the exit code of a build that has nothing to do, else ``None``."""
    from unibuild.execution import kept_graph

    report = kept_graph.try_null_build(asked.root, asked.key)
    if report is None:
        return None
    from unibuild.cli import summary

    summary.show_null(report, as_json="json" in asked.options, prefix=asked.prefix)
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


def request_key(
    kind: str, patterns: list[str], sandbox: str, host: str = "", download: str = ""
) -> str:
    """Return the name of the kept graph of this request; ``host`` is what else it depends on.

    ``download`` is the option: which outputs a build leaves here is kept with its graph.
    """
    from unibuild import __version__
    from unibuild.execution import kept_graph

    version = f"{__version__} {host}" if host else __version__
    return kept_graph.request_key(
        kind, tuple(patterns), version=version, sandbox=sandbox, download=download
    )


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
            name, value = _FLAGS[word]
            options[name] = value
        elif name in _VALUED and (equals or index + 1 < len(words)):
            if not equals:
                index += 1
                value = words[index]
            options[_VALUED[name]] = value
        elif word.startswith("-"):
            return [], None
        else:
            patterns.append(word)
        index += 1
    return patterns, options if patterns else None
