"""Which accelerator runs guests here: KVM where it really does, emulation (TCG) otherwise.

The file ``/dev/kvm`` proves nothing: some hosts have it and cannot run ordinary guests, or only by
emulating every instruction. So a tiny guest is booted that switches on SSE, uses the x87 and SSE
state, counts to two million and says so; a host that needs more than a moment for that is
slower than emulation. The answer is kept until the host boots again or QEMU changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from unibuild.image.boot_file import wrap
from unibuild.machine import child, monitor
from unibuild.model.errors import HostError, UserError

CHOICES = ("auto", "kvm", "tcg")
_DEVICE = Path("/dev/kvm")
_SECONDS = 1.5
_CODE = bytes.fromhex(
    "0f20e0"  # mov eax, cr4
    "0d00060000"  # or eax, OSFXSR | OSXMMEXCPT
    "0f22e0"  # mov cr4, eax
    "dbe3"  # fninit
    "0f57c0"  # xorps xmm0, xmm0
    "d9e8"  # fld1
    "b980841e00"  # mov ecx, 2000000
    "49"  # dec ecx
    "75fd"  # jnz to the decrement
    "66baf803"  # mov dx, 0x3f8 (first serial port)
    "b04b"  # mov al, 'K'
    "ee"  # out dx, al
    "0f011d08001000"  # lidt [0x100008]: zero bytes of the file header, so an empty table
    "0f0b"  # ud2: with an empty table a triple fault, which resets every machine
)


@dataclass(frozen=True, slots=True)
class Acceleration:
    """The accelerator to use, as QEMU names it, and why."""

    name: str
    reason: str


def choose(wanted: str, cache_directory: Path | None = None) -> Acceleration:
    """Return the accelerator for ``--accel`` ``wanted``; ``kvm`` that does not work is an error."""
    if wanted not in CHOICES:
        raise UserError(
            "bad-accelerator",
            f"`{wanted}` is no accelerator",
            hint=f"one of: {', '.join(CHOICES)}",
        )
    if wanted == "tcg":
        return Acceleration("tcg", "asked for")
    found = probe(cache_directory)
    if wanted == "kvm" and found.name != "kvm":
        raise HostError(
            "kvm-unusable",
            f"KVM does not run guests on this machine: {found.reason}",
            hint="use --accel auto or --accel tcg",
        )
    return found


def probe(cache_directory: Path | None = None) -> Acceleration:
    """Try KVM on the tiny guest, or return what an earlier try during this boot of the host found."""
    if not _DEVICE.exists():
        return Acceleration("tcg", "there is no /dev/kvm")
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return Acceleration("tcg", "this user may not open /dev/kvm")
    place = (cache_directory or _cache_directory()) / "acceleration.json"
    key = f"{_boot_identity()} {monitor.program()} {monitor.version()}"
    kept = _read(place, key)
    if kept is None:
        kept = _try_kvm()
        _keep(place, key, kept)
    return kept


def tiny_guest() -> bytes:
    """Return the probe as a bootable ELF64 file with a PVH note."""
    return wrap(_CODE)


def _try_kvm() -> Acceleration:
    with tempfile.TemporaryDirectory(prefix="unibuild-probe-") as folder:
        guest = Path(folder, "probe.elf")
        guest.write_bytes(tiny_guest())
        process = child.start(probe_command("kvm", guest))
        try:
            output, complaint = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return Acceleration("tcg", f"KVM needs more than {_SECONDS} s for a tiny guest")
        finally:
            child.stop(process)
    if b"K" in output:
        return Acceleration("kvm", "KVM ran a tiny guest")
    words = complaint.decode("utf-8", "replace").strip().splitlines()
    return Acceleration("tcg", "KVM failed on a tiny guest" + (f": {words[0]}" if words else ""))


def probe_command(accelerator: str, guest: Path) -> list[str]:
    """Return the command line that boots the tiny guest at ``guest``."""
    return [
        str(monitor.program()),
        *("-M", "microvm,x-option-roms=off,isa-serial=on"),
        *("-accel", accelerator, "-cpu", "max", "-m", "2M"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
        *("-kernel", str(guest)),
    ]


def _cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "unibuild", "machine")


def _boot_identity() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "unknown"


def _read(place: Path, key: str) -> Acceleration | None:
    try:
        kept = json.loads(place.read_text("utf-8"))
        if kept["key"] == key:
            return Acceleration(**kept["found"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _keep(place: Path, key: str, found: Acceleration) -> None:
    aside = place.with_name(f"{place.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps({"key": key, "found": asdict(found)}), "utf-8")
        aside.replace(place)
