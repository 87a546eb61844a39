"""A small image in a Git repository of its own, released: built, attested, signed."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import attesting
from support.attesting import Pair
from support.command import unibuild

LABEL = "//greeter:image"
BUILDER = attesting.CI
POLICY = """\
builders = ["{builder}"]

[source]
uri = ["git+file://**"]

[parameters]
label = "{label}"

[parameters.options]
sandbox = "required"
digestFunction = "blake3"
defaultPlatform = "@unibuild//kernel/platform:qemu-microvm"
"""


@dataclass(frozen=True)
class Release:
    """The workspace ``root``; ``published`` has the files that others get."""

    root: Path
    published: Path
    key: Pair

    @property
    def image(self) -> Path:
        """The published image."""
        return self.published / "image.elf"

    @property
    def provenance(self) -> Path:
        """Its provenance, signed."""
        return self.published / "image.provenance.json.dsse.json"

    def copy(self, folder: Path) -> Release:
        """Return a copy to spoil."""
        shutil.copytree(self.root, folder / "work", symlinks=True)
        shutil.copytree(self.published, folder / "published")
        for path in (folder / "published").iterdir():
            path.chmod(0o644)
        return Release(folder / "work", folder / "published", self.key)

    def verify(self, *options: str, cwd: Path | None = None) -> Verified:
        """Verify the label in the workspace, or with ``cwd`` what ``options`` say."""
        subject = () if cwd else (LABEL,)
        return verify(cwd or self.root, *subject, *options)


@dataclass(frozen=True)
class Verified:
    """What one verification said; ``report`` is empty when no check was reached."""

    code: int
    out: str
    errors: str
    report: dict[str, Any]

    def status(self, check: str) -> str:
        """Return a check's status."""
        (found,) = [one for one in self.report["checks"] if one["name"] == check]
        assert isinstance(found["status"], str)
        return found["status"]

    def first_error(self, check: str) -> str:
        """Return the id of a check's first error."""
        (found,) = [one for one in self.report["checks"] if one["name"] == check]
        return str(found["errors"][0]["id"])


def verify(cwd: Path, *arguments: str) -> Verified:
    """Run ``unibuild verify`` with a JSON report."""
    done = unibuild("verify", "--json", *arguments, cwd=cwd)
    report = json.loads(done.stdout) if done.stdout else {}
    return Verified(done.returncode, done.stdout, done.stderr, report)


def git(folder: Path, *arguments: str) -> None:
    """Run one command of Git."""
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def release(folder: Path) -> Release:
    """Make a workspace in ``folder``, and its release."""
    root, published = folder / "work", folder / "published"
    root.mkdir()
    published.mkdir()
    git(root, "init", "--quiet")
    assert unibuild("new", "greeter", "--lang", "c", cwd=root).returncode == 0
    with (root / "WORKSPACE.toml").open("a") as file:
        file.write('license = "LicenseRef-greeter"\n')
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "greeter")
    git(root, "remote", "add", "origin", f"file://{root}")
    key = attesting.pair(folder, "release")
    (published / "release.pub").write_bytes(key.public.read_bytes())
    (published / "policy.toml").write_text(POLICY.format(builder=BUILDER, label=LABEL))
    attested = unibuild("attest", LABEL, "--builder-id", BUILDER, cwd=root)
    assert attested.returncode == 0, attested.stderr
    statement = "unibuild-out/greeter/image.provenance.json"
    signed = unibuild("sign", statement, "--key", str(key.private), cwd=root)
    assert signed.returncode == 0, signed.stderr
    for path in (root / "unibuild-out" / "greeter").glob("image.*"):
        shutil.copyfile(path, published / path.name)
    return Release(root, published, key)
