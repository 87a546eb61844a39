"""What `unibuild doctor` asks about running images on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from unibuild.machine import acceleration, monitor
from unibuild.model.errors import HostError


@dataclass(frozen=True, slots=True)
class Check:
    """One question: ``ok``, what was found, and what to do when it is not ok."""

    name: str
    ok: bool
    text: str
    hint: str = ""


def checks() -> list[Check]:
    """Look for the monitor and try the accelerator."""
    try:
        program = monitor.program()
    except HostError as error:
        return [Check("monitor", ok=False, text=error.cause, hint=error.hint)]
    found = acceleration.probe()
    hint = "" if found.name == "kvm" else "images run by emulation, which is slower"
    return [
        Check("monitor", ok=True, text=f"{monitor.version()} ({program})"),
        Check("accelerator", ok=True, text=f"{found.name}: {found.reason}", hint=hint),
    ]
