"""A small workspace of genrules, built for real, and the bench of its verification."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from support.command import ROOT, unibuild

from unibuild.cli.terminal import Terminal
from unibuild.cli.workspace import Composition
from unibuild.execution import execution_log
from unibuild.execution.execution_log import LoggedAction
from unibuild.execution.request import OutputReport, SandboxMode, TargetReport
from unibuild.external import lock
from unibuild.loading.workspace import read_workspace
from unibuild.store.cache import Cache
from unibuild.store.digests import Digest
from unibuild.verify.outcome import Quiet
from unibuild.verify.workbench import Options, Workbench

GOOD = """\
[genrule.upper]
srcs = ["words"]
outs = ["upper"]
cmd = "tr a-z A-Z < $< > $@"

[genrule.lines]
srcs = [":upper"]
outs = ["lines"]
cmd = "cat $< $< > $@"

[genrule.folder]
srcs = [":upper"]
outs = ["folder/"]
cmd = "mkdir -p $@ && cp $< $@/one && wc -c < $< > $@/two"

[genrule.joined]
srcs = [":lines", ":folder"]
outs = ["joined"]
cmd = "cat $(location :lines) $(location :folder)/one > $@"
"""
"""Five actions with that which unpacks the shell; ``//:joined`` needs all of them."""
GOOD_ACTIONS = 5


@dataclass
class Workspace:
    """A workspace in ``root`` with the user's cache ``cache``, which has the packages."""

    root: Path
    cache: Path
    scratch: Path
    sandbox: SandboxMode = field(default="required", kw_only=True)

    def write(self, path: str, text: str) -> None:
        """Write a source."""
        (self.root / path).write_text(text, encoding="utf-8")

    def build(self, label: str = "//:joined") -> TargetReport:
        """Build one target as a user does."""
        done = unibuild(
            "build", "--json", f"--sandbox={self.sandbox}", "--remote=off", label,
            f"--execution-log={self.scratch}.log",
            cwd=self.root, environment={"UNIBUILD_CACHE": str(self.cache)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (target,) = json.loads(done.stdout)["targets"]
        outputs = tuple(
            OutputReport(one["path"], one["digest"], one["size"]) for one in target["outputs"]
        )
        return TargetReport(target["label"], "genrule", outputs, {})

    def bench(self, label: str = "//:joined", *, options: Options | None = None) -> Workbench:
        """Build ``label`` and return the bench of a verification of it."""
        target = self.build(label)
        if self.scratch.exists():
            shutil.rmtree(self.scratch)
        self.scratch.mkdir()
        return Workbench(
            label=target.label,
            image=None,
            cache_root=self.cache,
            jobs=2,
            sandbox=self.sandbox,
            scratch=self.scratch,
            kept=self.root / ".unibuild" / "verify",
            rebuild_command=(sys.executable, "-m", "unibuild.cli.rebuild"),
            options=options or Options(),
            progress=Quiet(),
            workspace=read_workspace(self.root),
            target=target,
        )

    def logged(self, label: str) -> LoggedAction:
        """Return what the last build logged of the action of ``label``."""
        log = execution_log.read(Path(f"{self.scratch}.log"))
        (found,) = [action for action in log.actions.values() if action.label == label]
        return found

    def blob(self, digest: str) -> Path:
        """Return where the user's cache keeps a blob."""
        return self.cache / "blake3" / "blobs" / digest[:2] / digest

    def plant_result(self, label: str, content: bytes) -> None:
        """Have the user's cache say that the action of ``label`` makes a file of ``content``."""
        action = self.logged(label).action
        cache = Cache(str(self.cache), "blake3", lambda _: None)
        try:
            stored = cache.actions.get(action)
            assert stored is not None
            digest: Digest = cache.content.put_bytes(content)
            (file,) = stored.result.files
            files = (file._replace(digest=digest),)
            cache.actions.put(action, stored.result._replace(files=files))
        finally:
            cache.close()

    def flip(self, label: str) -> Path:
        """Flip a byte of the blob that the action of ``label`` made; size and times stay."""
        (output,) = self.logged(label).outputs
        blob = self.blob(output.digest)
        found = blob.stat()
        data = bytearray(blob.read_bytes())
        data[0] ^= 1
        blob.unlink()
        blob.write_bytes(data)
        blob.chmod(found.st_mode & 0o7777)
        os.utime(blob, ns=(found.st_atime_ns, found.st_mtime_ns))
        return blob


@dataclass
class Small(Workspace):
    """A new workspace with the targets of ``build_text``."""

    build_text: str = GOOD

    def __post_init__(self) -> None:
        """Write the workspace."""
        self.root.mkdir(parents=True)
        self.write("WORKSPACE.toml", 'name = "small"\n')
        self.write("BUILD.toml", self.build_text)
        self.write("words", "some words\n")


def example(name: str, root: Path, scratch: Path) -> Workspace:
    """Return a copy of one of the examples, built with the cache of whoever tests."""
    ignored = shutil.ignore_patterns("unibuild-out", ".unibuild")
    shutil.copytree(ROOT / "examples" / name, root / name, ignore=ignored)
    shutil.copy(ROOT / "examples" / "WORKSPACE.toml", root)
    return Workspace(root, Composition.of(root, Terminal()).cache_root, scratch)


def seed(cache: Path) -> None:
    """Put the shell's package into the new ``cache``, from the cache of whoever tests."""
    probe = cache.parent / "probe"
    probe.mkdir(parents=True)
    (probe / "WORKSPACE.toml").write_text('name = "probe"\n', encoding="utf-8")
    fetched = unibuild("build", "@unibuild//toolchains/busybox:package", cwd=probe)
    assert fetched.returncode == 0, fetched.stderr
    usual = Composition.of(probe, Terminal()).cache_root
    pinned = lock.read(ROOT / "unibuild.lock")
    (file,) = next(files for purl, files in pinned.packages.items() if "/busybox-static@" in purl)
    opened = Cache(str(cache), "blake3", lambda _: None)
    try:
        name = file.blake3
        found = opened.content.put_copy(str(usual / "blake3" / "blobs" / name[:2] / name))
        assert found.hash == name
    finally:
        opened.close()
