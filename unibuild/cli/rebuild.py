"""The process of one rebuild: ``python -m unibuild.cli.rebuild REQUEST.json``.

It is started by ``unibuild.verify.rebuilding``, not by people, and is no verb. It says nothing on a
terminal: what happened is in the execution log and, when it failed, in the error file beside it, what it
saw of its surroundings in another; the exit code is the usual one. Remote servers are not asked, since their answers are what is in question.

Its standard input is a pipe that whoever asked holds open; when that closes, the rebuild ends.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli.builtins import BUILTINS
from unibuild.cli.kept_build import lazy_fetch
from unibuild.cli.main import EXIT_INTERRUPTED, fault
from unibuild.cli.shortcut import request_key
from unibuild.cli.terminal import Terminal
from unibuild.cli.workspace import Composition
from unibuild.execution import session
from unibuild.execution.observer import Silent
from unibuild.execution.request import BuildRequest
from unibuild.external.packages import digest_of
from unibuild.model.errors import ErrorGroup, HostError, UnibuildError
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout
from unibuild.verify import surroundings
from unibuild.verify.rebuild import RebuildRequest, write_errors

if TYPE_CHECKING:
    from collections.abc import Callable

_F_SETSIG = 10  # fcntl(2); Python names it only on some systems


def main(argv: list[str]) -> int:
    """Do the rebuild that the file ``argv[0]`` asks for, and return the exit code."""
    _end_with_the_one_who_asked()
    request = RebuildRequest.read(Path(argv[0]))
    surroundings.write(request)
    try:
        failures = _rebuild(request)
    except ErrorGroup as group:
        failures = group.errors
    except UnibuildError as error:
        failures = (error,)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to whoever asked
        failures = (fault(error),)
    if not failures:
        return 0
    write_errors(request.log, failures)
    return failures[0].exit_code


def _end_with_the_one_who_asked() -> None:
    """Have the kernel send SIGTERM when the other end of standard input closes."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, _F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def _rebuild(asked: RebuildRequest) -> tuple[UnibuildError, ...]:
    composition = Composition.of(asked.workspace, Terminal())
    patterns = [asked.label]
    observer = _Notes()
    with ExitStack() as opened:
        fetch: Callable[[str], Path] = (
            lazy_fetch(opened, lambda: composition.fetcher(observer))
            if asked.packages is None
            else Packages(composition, asked.packages).path
        )
        request = BuildRequest(
            workspace_root=asked.workspace,
            cache_root=asked.cache,
            patterns=tuple(patterns),
            key=request_key("build", patterns, asked.sandbox),
            analyse=lambda: composition.analyse(patterns, "build"),
            fetch=fetch,
            builtins=BUILTINS,
            jobs=asked.jobs,
            sandbox=asked.sandbox,
            digest_function=composition.workspace.settings.digest,
            only_action=asked.only_action,
            digest_of=composition.digest_of,
            execution_log=asked.log,
            order_seed=asked.order_seed,
            staging=asked.staging,
            supervisor=asked.supervisor,
        )
        return session.build(request, observer).failures


class _Notes(Silent):
    """An observer that passes on what a person should know, should there be trouble to explain."""

    def note(self, text: str) -> None:
        """Say it on standard error, which is kept with the rebuild."""
        sys.stderr.write(f"{text}\n")


class Packages:
    """Package files of a cache that is only read: each is verified, none is repaired or touched."""

    def __init__(self, composition: Composition, cache_root: Path) -> None:
        """Read the cache at ``cache_root``."""
        self._composition = composition
        self._root = str(cache_root)
        self._lock = composition.lock()

    def path(self, purl: str) -> Path:
        """Return the file that ``pkg:…`` or ``pkg:…#FILE`` names; a ``HostError`` without it."""
        file = self._lock.find(purl)
        for name in ("blake3", "sha256"):
            digest = digest_of(file, name)
            path = Path(Layout(self._root, name).path("blobs", digest.hash))
            if path.is_file() and DigestFunction(name).of_file(str(path)) == digest:
                return path
        raise HostError(
            id="package-not-here",
            cause=f"{purl} is not in the cache {self._root} as the lock has it",
            hint="'unibuild fetch' brings every file of the lock here",
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
