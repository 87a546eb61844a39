"""Check what this machine has and lacks for unibuild, each with what to do about it.

    unibuild doctor                                    this machine and this workspace
    unibuild doctor --cache                            what the configured remote cache does right
    unibuild doctor --cache grpc://127.0.0.1:50051     the same of another server

Building needs a sandbox; running and boot tests need QEMU; fetching needs registries. The exit
status is 3 when something that building needs is missing. With --cache the conformance suite writes
some 100 MB of random content and reads it back; the exit status is 4 when the server does something
wrong, 3 when it does not answer.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.remote import RemoteOptions
from unibuild.cli.terminal import size_text
from unibuild.model.errors import ErrorGroup, HostError, UnibuildError, UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from unibuild.cli.terminal import Terminal
    from unibuild.cli.workspace import Composition
    from unibuild.store.remote.settings import Remote

_ENOUGH_SPACE = 2 << 30
_EXIT_ENVIRONMENT = HostError.exit_code


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``ok``, what was seen, and a hint when it is not ok."""

    name: str
    ok: bool
    needed: bool
    text: str
    hint: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the server to try, and ``--json``."""
    parser.add_argument(
        "--cache", nargs="?", const="", metavar="URL",
        help="run the conformance suite against a server (default: the configured one)",
    )  # fmt: skip
    options.add_json(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Look, and print a line for each finding."""
    if arguments.cache is not None:
        return _check_cache(arguments, terminal)
    findings = list(_findings(terminal))
    if arguments.json:
        terminal.data(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            for line in _lines(finding, terminal):
                terminal.data(line)
    broken = any(finding.needed and not finding.ok for finding in findings)
    return _EXIT_ENVIRONMENT if broken else 0


def _check_cache(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from unibuild.cli.conformance import check_server
    from unibuild.cli.remote import NAME_A_CACHE

    remote, function_name = _server_to_check(arguments.cache, terminal)
    if remote is None or remote.cache is None:
        raise UserError(
            id="no-remote-cache", cause="there is no remote cache to check", hint=NAME_A_CACHE
        )
    return check_server(remote, function_name, terminal, as_json=arguments.json)


def _server_to_check(url: str, terminal: Terminal) -> tuple[Remote | None, str]:
    """Return the server and the digest function; outside a workspace, that of most servers."""
    from unibuild.cli.remote import choose
    from unibuild.cli.workspace import Composition
    from unibuild.loading.workspace import find_workspace

    asked = RemoteOptions(cache_url=url)
    here = Path.cwd()
    try:
        find_workspace(here)
    except UserError:
        return choose(None, str(here), asked).remote, "sha256"
    composition = Composition.here(terminal)
    return composition.servers(asked).remote, composition.workspace.digest_function


def _lines(finding: Finding, terminal: Terminal) -> list[str]:
    if finding.ok:
        mark = terminal.style("ok     ", "green")
    elif finding.needed:
        mark = terminal.style("missing", "red")
    else:
        mark = terminal.style("absent ", "yellow")
    lines = [f"{mark}  {finding.name}: {finding.text}"]
    if finding.hint and not finding.ok:
        lines.append(f"         hint: {finding.hint}")
    return lines


def _findings(terminal: Terminal) -> Iterator[Finding]:
    yield _python()
    yield _sandbox()
    yield from _machines()
    yield from _workspace(terminal)


def _python() -> Finding:
    version = platform.python_version()
    return Finding("python", ok=sys.version_info >= (3, 11), needed=True, text=version)


def _sandbox() -> Finding:
    from unibuild.execution import sandbox

    return _tried("sandbox", sandbox.describe, needed=True)


def _machines() -> Iterator[Finding]:
    from unibuild.machine.checks import checks

    for check in checks():
        yield Finding(check.name, ok=check.ok, needed=False, text=check.text, hint=check.hint)


def _workspace(terminal: Terminal) -> Iterator[Finding]:
    from unibuild.cli.workspace import Composition

    try:
        composition = Composition.here(terminal)
    except (UnibuildError, ErrorGroup) as error:
        yield Finding("workspace", ok=False, needed=False, text=str(error))
        return
    yield Finding("workspace", ok=True, needed=False, text=str(composition.workspace.root))
    yield _cache(composition.cache_root)
    yield _tried("registries", lambda: _registries(composition), needed=False)
    yield from _servers(composition)
    yield _tried("lock", lambda: f"{len(composition.lock().packages)} packages", needed=False)


def _cache(root: Path) -> Finding:
    folder = next(place for place in (root, *root.parents) if place.exists())
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return Finding("cache", ok=False, needed=True, text=f"{root} cannot be written",
                       hint="set UNIBUILD_CACHE to a folder of your own")  # fmt: skip
    text = f"{root}, {size_text(free)} free"
    return Finding("cache", ok=free > _ENOUGH_SPACE, needed=True, text=text,
                   hint="a first build needs about 2 GiB")  # fmt: skip


def _registries(composition: Composition) -> str:
    registries = composition.registries()
    indexes = len(registries.indexes())
    archives = len(registries.archives("debian"))
    return f"{indexes} Python package index(es), {archives} Debian archive(s) configured"


def _servers(composition: Composition) -> Iterator[Finding]:
    """Look at the remote servers; a build goes on without them, so none is needed."""
    from unibuild.cli import server_state

    function_name = composition.workspace.digest_function
    engine = composition.workspace.settings.execution.remote is not None
    asked = RemoteOptions(where="remote" if engine else "local")
    try:
        remote = composition.servers(asked).remote
    except UnibuildError as error:
        yield Finding("remote cache", ok=False, needed=False, text=error.cause, hint=error.hint)
        return
    if remote is None:
        yield Finding("remote cache", ok=True, needed=False, text="none is configured")
        return
    yield _tried(
        "remote cache", lambda: server_state.cache_state(remote, function_name), needed=False
    )
    if engine:
        yield _tried(
            "remote execution",
            lambda: server_state.engine_state(remote, function_name),
            needed=False,
        )


def _tried(name: str, look: Callable[[], str], *, needed: bool) -> Finding:
    try:
        return Finding(name, ok=True, needed=needed, text=look())
    except UnibuildError as error:
        return Finding(name, ok=False, needed=needed, text=error.cause, hint=error.hint)
