"""V18: the image boots on the platform that it declares and says which image it is.

The image is started as ``unibuild run`` does it, with the declared memory and without forwarded ports.
It passes when the line of its identity comes before its program starts and names the label and the
digest that the manifest has, when that digest is what the boot file gives, and when nothing breaks: a
program that ends has to end with status 0, one that still runs after a moment is stopped.

``facts``: ``{"identity": "sha256:…", "boots": [{platform, machine, memory, accelerator, identity,
"ended", "status", "seconds", "output"}]}``; ``status`` is None for a program that was stopped, and
``output`` the last lines of the console.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.elf.layout import MalformedElfError
from unibuild.image import identity
from unibuild.image import manifest as manifests
from unibuild.machine.console import Event, Identity, Text
from unibuild.machine.machine import Machine, Outcome
from unibuild.machine.run import Prepared, RunOptions, fault_lines, prepare
from unibuild.model.errors import (
    ActionError,
    DifferenceError,
    HostError,
    UnibuildError,
    UserError,
)
from unibuild.verify import outcome

if TYPE_CHECKING:
    from unibuild.image.manifest import Manifest
    from unibuild.verify.workbench import Bench, ImageFiles

START_SECONDS = 30.0
"""So long may the way to the identity line take; emulation on a busy machine needs a second."""
GRACE_SECONDS = 2.0
"""A program that runs so long after that line is taken for one that keeps running."""
_POLL_SECONDS = 0.02
_LINES_SHOWN = 20
_BUILD_AGAIN = "build the image again, and start the file that was built"
_OF_THE_IMAGE = frozenset({"not-bootable"})
"""Errors of the monitor's class that are the image's own fault."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What one boot showed: how it ended, and the last lines of the console."""

    said: Identity | None
    ended: Outcome | None
    """None for a machine that was stopped, or that broke without a word (``broken``)."""
    broken: ActionError | None
    seconds: float
    console: tuple[str, ...]
    fault: tuple[str, ...] = ()


class _Tail:
    """The console's text, collected on the machine's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._data = bytearray()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Text):
            with self._lock:
                self._data = (self._data + event.data)[-65536:]

    def lines(self) -> tuple[str, ...]:
        with self._lock:
            text = self._data.decode("utf-8", "replace")
        return tuple(line.rstrip("\r") for line in text.splitlines()[-_LINES_SHOWN:])


def run(
    bench: Bench, *, start_seconds: float = START_SECONDS, grace_seconds: float = GRACE_SECONDS
) -> outcome.Outcome:
    """Boot the image on each platform that it declares."""
    if bench.image is None:
        raise UserError(
            "not-an-image",
            f"{bench.label} is no image, so nothing boots",
            hint="name a unikernel_image target",
        )
    boots: list[dict[str, object]] = []
    for number, files in enumerate((bench.image,)):  # a target is an image for one platform
        manifest = manifests.read(files.manifest)
        place = manifest["platform"]["label"]
        bench.progress.step(f"booting on {place}", number, 1)
        try:
            expected = _expected(files, manifest)
            prepared = prepare(files.manifest, RunOptions())
            seen = boot(prepared, start_seconds, grace_seconds)
            boots.append(_facts(manifest, prepared, seen))
            _judge(manifest, expected, seen)
        except HostError as error:
            if error.id not in _OF_THE_IMAGE:
                return outcome.Outcome(
                    "not-done", f"could not boot on {place}", (error,), facts={"boots": boots}
                )
            return _failed(manifest, _refused(manifest, error), boots)
        except UnibuildError as error:
            return _failed(manifest, _refused(manifest, error), boots)
    digest = manifest["identity"]["digest"]
    words = f"boots on {manifest['platform']['label']} and says it is {digest[:19]}…"
    return outcome.Outcome("passed", words, facts={"identity": digest, "boots": boots})


def boot(prepared: Prepared, start_seconds: float, grace_seconds: float) -> Boot:
    """Start a prepared image, wait for its first words, then for its end or for a moment."""
    tail = _Tail()
    started = time.monotonic()
    said_after = 0.0
    ended: Outcome | None = None
    broken: ActionError | None = None
    with Machine(prepared.command, tail) as machine:
        while machine.running and machine.identity is None:
            if time.monotonic() - started > start_seconds:
                break
            time.sleep(_POLL_SECONDS)
        said_after = time.monotonic() - started
        try:
            ended = machine.wait(grace_seconds if machine.identity or not machine.running else 0.0)
        except ActionError as error:
            broken = error
        said = machine.identity
    if ended is not None and ended.status is None:
        ended = None
    fault = tuple(fault_lines(ended, prepared.names)) if ended else ()
    return Boot(said, ended, broken, said_after, tail.lines(), fault)


def _expected(files: ImageFiles, manifest: Manifest) -> Identity:
    """Return what the image has to say; a file that is not the manifest's is an error."""
    path = files.manifest.with_name(manifest["image"]["file"])
    claimed = manifest.get("identity")
    if not claimed:
        raise UserError(
            "boot-refused",
            f"{path.name} holds no identity, by its manifest",
            hint="the kernel's start brings it: build the image again with this version",
        )
    try:
        content = path.read_bytes()
        found = "sha256:" + identity.compute(content, claimed["offset"]).hex()
    except OSError as error:
        raise HostError(
            "unreadable-image", f"cannot read {path}: {error.strerror}", hint=_BUILD_AGAIN
        ) from error
    except MalformedElfError as error:
        raise UserError("boot-refused", f"{path.name}: {error}", hint=_BUILD_AGAIN) from error
    if found != claimed["digest"]:
        raise DifferenceError(
            "boot-refused",
            f"{path.name} is not the image of its manifest",
            hint=_BUILD_AGAIN,
            detail=(f"the manifest says  {claimed['digest']}", f"the file gives     {found}"),
        )
    return Identity(manifest["label"], found)


def _judge(manifest: Manifest, expected: Identity, seen: Boot) -> None:
    """Raise the first thing that is wrong with a boot."""
    place = manifest["platform"]["label"]
    label = manifest["label"]
    words = (*seen.fault, *(f"console: {line}" for line in seen.console))
    if seen.said is not None and seen.said != expected:
        raise DifferenceError(
            "boot-refused",
            f"{label} on {place} says that it is another image",
            hint=_BUILD_AGAIN,
            detail=(
                f"expected  {expected.label} {expected.digest}",
                f"said      {seen.said.label} {seen.said.digest}",
            ),
        )
    early = "before it said which image it is" if seen.said is None else "after its start"
    if seen.broken is not None:
        raise _wrong(f"{label} on {place} broke {early}: {seen.broken.cause}", words)
    if seen.ended is not None and seen.ended.fault:
        raise _wrong(f"{label} on {place} broke {early}: {seen.ended.fault}", words)
    if seen.said is None and seen.ended is None:
        seconds = f"{seen.seconds:.0f} s"
        raise _wrong(f"{label} on {place} had not said which image it is after {seconds}", words)
    if seen.ended is not None and seen.ended.status:
        raise _wrong(f"{label} on {place} ended with status {seen.ended.status} {early}", words)
    if seen.said is None:
        raise _wrong(f"{label} on {place} ended without saying which image it is", words)


def _wrong(cause: str, words: tuple[str, ...]) -> UserError:
    return UserError(
        "boot-refused",
        cause,
        hint="start it with `unibuild run` to see the same; a program has to end with status 0",
        detail=words,
    )


def _refused(manifest: Manifest, error: UnibuildError) -> UnibuildError:
    """Return ``error`` under the check's id, whatever the machine called it."""
    if error.id == "boot-refused":
        return error
    return UserError(
        "boot-refused",
        f"{manifest['label']} does not boot on {manifest['platform']['label']}: {error.cause}",
        hint=error.hint,
        detail=error.detail,
    )


def _failed(
    manifest: Manifest, error: UnibuildError, boots: list[dict[str, object]]
) -> outcome.Outcome:
    claimed = manifest.get("identity") or {"digest": ""}
    facts = {"identity": claimed["digest"], "boots": boots}
    return outcome.Outcome("failed", error.cause, (error,), facts=facts)


def _facts(manifest: Manifest, prepared: Prepared, seen: Boot) -> dict[str, object]:
    return {
        "platform": manifest["platform"]["label"],
        "machine": manifest["platform"]["machine"],
        "memory": manifest["memory"],
        "accelerator": prepared.accelerator.name,
        "identity": seen.said.digest if seen.said else "",
        "ended": seen.ended is not None or seen.broken is not None,
        "status": seen.ended.status if seen.ended else None,
        "seconds": round(seen.seconds, 3),
        "output": list(seen.console),
    }
