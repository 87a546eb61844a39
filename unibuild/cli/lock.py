"""Write unibuild.lock for the packages that this workspace's targets name.

Entries that exist stay as they are; new packages are downloaded once, checked against what their
registry says of them, and pinned by SHA-256 and BLAKE3. With --check nothing is written: the lock
must already fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli.progress import progress
from unibuild.cli.render import warning_line
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural
from unibuild.model.errors import UserError
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal
    from unibuild.external.lock import Lock
    from unibuild.external.purl import Purl
    from unibuild.external.update import Locked


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare ``--check``."""
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would")


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Bring the lock in line with the targets."""
    from unibuild.analysis.listing import package_urls
    from unibuild.external import lock, purl

    composition = Composition.here(terminal)
    path = composition.workspace.lock_path
    old = lock.read(path) if path.exists() else lock.Lock()
    wanted = {str(one): one for one in map(purl.parse, package_urls(composition.workspace))}
    if arguments.check:
        return _check(sorted(set(wanted) ^ set(old.packages)), terminal)
    new = relock(composition, list(wanted.values()), old)
    for text in new.added:
        terminal.data(f"added {text}")
    for text in new.removed:
        terminal.data(f"removed {text}")
    terminal.note(f"{path.name}: {plural(len(new.lock.packages), 'package')}")
    return 0


def relock(composition: Composition, wanted: list[Purl], old: Lock) -> Locked:
    """Write the lock for exactly ``wanted`` and return what became of it."""
    from unibuild.external import lock
    from unibuild.external.update import lock_packages

    display = progress(composition.terminal)
    try:
        with composition.fetcher(display) as fetcher:
            new = lock_packages(
                wanted, old, composition.registries(), fetcher.store, display.fetch_progress
            )
    finally:
        display.close()
    replace_file(composition.workspace.lock_path, lock.render(new.lock).encode())
    for text in new.unsigned:
        composition.terminal.note(
            warning_line(
                f"no signature of the archive was checked for {text}", composition.terminal
            )
        )
    return new


def _check(differences: list[str], terminal: Terminal) -> int:
    if not differences:
        terminal.note("unibuild.lock is up to date")
        return 0
    raise UserError(
        id="lock-outdated",
        cause="unibuild.lock does not fit what the targets name",
        hint="run 'unibuild lock'",
        detail=tuple(differences),
    )
