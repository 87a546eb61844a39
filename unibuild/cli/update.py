"""Look for newer versions of the packages that this workspace's BUILD.toml files name.

    unibuild update                      every package
    unibuild update ziglang              those of this name
    unibuild update --dry-run            only say what would change

The package URLs in BUILD.toml are rewritten, and unibuild.lock with them. The versions of Go modules
are chosen in go.mod: `go get -u`, then `unibuild lock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli.lock import relock
from unibuild.cli.workspace import Composition
from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from unibuild.cli.terminal import Terminal
    from unibuild.external.purl import Purl


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare which packages."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="packages to look at")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Find newer versions, rewrite the BUILD.toml files and the lock."""
    from unibuild.analysis.listing import build_files, package_urls
    from unibuild.external import lock, purl
    from unibuild.external.update import newest, rewrite

    composition = Composition.here(terminal)
    workspace = composition.workspace
    named = [purl.parse(text) for text in package_urls(workspace)]
    chosen = _chosen(named, arguments.names)
    registries = composition.registries()
    replacements = {str(old): str(new) for old in chosen if (new := newest(old, registries)) != old}
    for old_text, new_text in replacements.items():
        terminal.data(f"{old_text} -> {new_text}")
    if not replacements:
        terminal.note("nothing newer")
    if arguments.dry_run or not replacements:
        return 0
    old_lock = lock.read(workspace.lock_path) if workspace.lock_path.exists() else lock.Lock()
    relock(
        composition, [purl.parse(replacements.get(str(one), str(one))) for one in named], old_lock
    )
    for path in build_files(workspace):
        text = path.read_text("utf-8")
        rewritten = rewrite(text, replacements)
        if rewritten != text:
            replace_file(path, rewritten.encode())
            terminal.note(f"rewrote {composition.shown(str(path))}")
    return 0


def _chosen(named: Iterable[Purl], names: list[str]) -> list[Purl]:
    every = [one for one in named if one.type != "golang"]
    if not names:
        return every
    known = {one.name for one in every}
    for name in names:
        if name not in known:
            raise UserError(
                id="unknown-package",
                cause=f"no target of this workspace names a package '{name}'",
                hint=did_you_mean(name, sorted(known)),
            )
    return [one for one in every if one.name in names]
