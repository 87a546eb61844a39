"""Where the rooms are put together: which analysis, which fetch, which built-in actions.

``Composition`` is one workspace with all that a verb does to it. Execution gets functions from
here, so that it needs to import nothing above itself.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli.builtins import BUILTINS
from unibuild.cli.kept_build import lazy_fetch
from unibuild.cli.places import add_places, of_raised
from unibuild.cli.progress import Fan, progress
from unibuild.cli.remote import Choice, RemoteOptions, check_files, choose, plain_settings
from unibuild.cli.shortcut import absolute_patterns, request_key
from unibuild.loading.workspace import Workspace, find_workspace, read_workspace
from unibuild.model.errors import ErrorGroup, UnibuildError, UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from typing import Literal, TypeAlias

    from unibuild.cli.terminal import Terminal
    from unibuild.execution.observer import Observer
    from unibuild.execution.request import BuildReport, Kind, SandboxMode, TargetReport
    from unibuild.external.fetch import Fetcher
    from unibuild.external.lock import Lock
    from unibuild.external.registries import Registries
    from unibuild.image.manifest import Manifest
    from unibuild.model.actions import ActionGraph
    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest

    Transfer: TypeAlias = Literal["", "push", "pull"]


def cache_root(configured: Path | None = None) -> Path:
    """Return the folder of the local cache; ``configured`` is what WORKSPACE.toml says."""
    named = os.environ.get("UNIBUILD_CACHE")
    if named:
        return Path(named).absolute()
    if configured is not None:
        return configured
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "unibuild"


@dataclass(frozen=True)
class Composition:
    """One workspace, the directory that the command was typed in, and the terminal."""

    workspace: Workspace
    directory: Path
    terminal: Terminal

    @classmethod
    def of(cls, root: Path, terminal: Terminal) -> Composition:
        """Read the workspace at ``root``."""
        return cls(read_workspace(root), root, terminal)

    @classmethod
    def here(cls, terminal: Terminal) -> Composition:
        """Find and read the workspace around the current directory."""
        directory = Path.cwd()
        return cls(read_workspace(find_workspace(directory)), directory, terminal)

    def patterns(self, patterns: Sequence[str]) -> list[str]:
        """Return ``patterns`` as they read from the workspace's root."""
        return absolute_patterns(list(patterns), str(self.workspace.root), str(self.directory))

    @property
    def package(self) -> str:
        """The path from the workspace's root to where the command was typed."""
        relative = self.directory.relative_to(self.workspace.root).as_posix()
        return "" if relative == "." else relative

    @property
    def prefix(self) -> str:
        """What to put before a path of the workspace to use it from where the user is."""
        relative = os.path.relpath(self.workspace.root, self.terminal.origin)
        return "" if relative == "." else relative

    def shown(self, path: str) -> str:
        """Return a path of the workspace as the user, where they are, can use it."""
        return os.path.relpath(self.workspace.root / path, self.terminal.origin)

    @property
    def cache_root(self) -> Path:
        """The local cache: UNIBUILD_CACHE, else WORKSPACE.toml, else the user's cache folder."""
        return cache_root(self.workspace.cache_path)

    def remote(self, arguments: argparse.Namespace) -> Choice:
        """Return which remote servers ``arguments`` (build options) and the settings choose."""
        return self.servers(RemoteOptions.of(arguments))

    def servers(self, asked: RemoteOptions) -> Choice:
        """Return which remote servers ``asked`` and the settings choose."""
        choice = choose(plain_settings(self.workspace), str(self.workspace.root), asked)
        check_files(self.workspace, choice.remote)
        return choice

    def build(
        self,
        arguments: argparse.Namespace,
        patterns: Sequence[str],
        kind: Kind,
        *,
        choice: Choice | None = None,
        transfer: Transfer = "",
    ) -> BuildReport:
        """Build ``patterns`` as the verb's build options say, showing progress.

        ``choice`` stands for the servers of ``arguments``. ``transfer`` is "push" to publish cached
        results too, "pull" to take what is cached and run nothing.
        """
        from unibuild.cli.trace import Trace

        choice = self.remote(arguments) if choice is None else choice
        trace = Trace(arguments.profile) if arguments.profile else None
        display = progress(self.terminal)
        observer: Observer = Fan((display, trace)) if trace else display
        try:
            report = self._build(
                arguments, self.patterns(patterns), kind, observer, choice, transfer
            )
        except (UnibuildError, ErrorGroup) as error:
            add_places(of_raised(error), lambda: self.workspace, choice.remote)
            raise
        finally:
            display.close()
            if trace:
                trace.write()
        add_places(report.failures, lambda: self.workspace, choice.remote)
        return report

    def build_one(self, arguments: argparse.Namespace, label: str) -> TargetReport:
        """Build one target for a verb that works on its outputs; raise when it cannot be made."""
        if self.remote(arguments).download == "minimal":
            arguments.download = "toplevel"  # the verb is about to read the outputs
        report = self.build(arguments, [label], "build")
        if report.failures:
            raise ErrorGroup(report.failures)
        if len(report.targets) != 1:
            raise UserError(
                id="not-one-target",
                cause=f"{label} matches {len(report.targets)} targets; this verb takes one",
                hint="name one target, such as //services/dns:image",
            )
        return report.targets[0]

    def manifest_path(self, target: TargetReport) -> Path:
        """Return where the manifest of an image target is; other rules have none."""
        for output in target.outputs:
            if output.path.endswith(".manifest.json"):
                return self.workspace.root / output.path
        raise UserError(
            id="not-an-image",
            cause=f"{target.label} is a {target.rule}, which is no image",
            hint="name a unikernel_image target; 'unibuild query \"kind(unikernel_image, //...)\"' lists them",
        )

    def manifest(self, arguments: argparse.Namespace) -> Manifest:
        """Build the image ``arguments.label`` if need be, and return its manifest."""
        from unibuild.image import manifest

        return manifest.read(self.manifest_path(self.build_one(arguments, arguments.label)))

    def lock(self) -> Lock:
        """Return the workspace's lock merged with those of its repositories."""
        from unibuild.external import lock

        return lock.merge([lock.read(path) for path in self.workspace.lock_paths if path.exists()])

    def digest_of(self, purl: str) -> Digest:
        """Return the digest that the lock pins for ``pkg:…`` or ``pkg:…#FILE``; nothing is fetched."""
        from unibuild.external.packages import digest_of

        return digest_of(self._pinned.find(purl), self.workspace.settings.digest)

    @cached_property
    def _pinned(self) -> Lock:
        return self.lock()

    def registries(self) -> Registries:
        """Return the registries of this machine, or those that WORKSPACE.toml names."""
        from unibuild.external import registries

        return registries.of_machine(self.workspace.settings.mirrors)

    @contextmanager
    def cache(self, observer: Observer) -> Iterator[Cache]:
        """Open the local cache; ``observer`` is told of corrupt entries."""
        from unibuild.store.cache import Cache

        opened = Cache(str(self.cache_root), self.workspace.settings.digest, observer.note)
        try:
            yield opened
        finally:
            opened.close()

    @contextmanager
    def fetcher(self, observer: Observer) -> Iterator[Fetcher]:
        """Open what fetches locked files into the cache."""
        from unibuild.external.fetch import Fetcher
        from unibuild.external.packages import StoredPackages

        digest = self.workspace.settings.digest
        with self.cache(observer) as cache:
            packages = StoredPackages(cache.content, digest, self.cache_root)
            yield Fetcher(self.lock(), packages, self.registries, observer.fetch_progress)

    def _build(
        self,
        arguments: argparse.Namespace,
        patterns: list[str],
        kind: Kind,
        observer: Observer,
        choice: Choice,
        transfer: Transfer,
    ) -> BuildReport:
        from unibuild.execution import session
        from unibuild.execution.request import BuildRequest

        sandbox: SandboxMode = arguments.sandbox
        host = self._host(kind)
        log = Path(arguments.execution_log).absolute() if arguments.execution_log else None
        with ExitStack() as opened:
            request = BuildRequest(
                workspace_root=self.workspace.root,
                cache_root=self.cache_root,
                patterns=tuple(patterns),
                key=request_key(
                    kind, patterns, sandbox, host.get("monitor", ""), arguments.download
                ),
                analyse=lambda: self.analyse(patterns, kind),
                fetch=lazy_fetch(opened, lambda: self.fetcher(observer)),
                builtins=BUILTINS,
                kind=kind,
                jobs=arguments.jobs,
                keep_going=arguments.keep_going,
                sandbox=sandbox,
                digest_function=self.workspace.settings.digest,
                only_action=arguments.only_action,
                host=host,
                digest_of=self.digest_of,
                remote=choice.remote,
                download=choice.download,
                where=choice.where,
                publish_all=transfer == "push",
                only_cached=transfer == "pull",
                kept_settings=plain_settings(self.workspace),
                execution_log=log,
            )
            return session.build(request, observer)

    def _host(self, kind: Kind) -> dict[str, str]:
        """What a result may depend on that is no input: only tests boot, with the host's monitor."""
        if kind != "test":
            return {}
        from unibuild.machine import monitor

        return {"monitor": monitor.version()}

    def analyse(self, patterns: list[str], kind: Kind) -> ActionGraph:
        """Return the actions of ``patterns``, absolute."""
        from unibuild.analysis.analyse import analyse

        return analyse(self.workspace, patterns, kind)
