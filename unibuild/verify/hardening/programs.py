"""Rules on programs made for Linux, which run in ring 3 with memory of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.verify.hardening.evidence import read_elf
from unibuild.verify.hardening.rule import failed, not_applicable, passed, rule

if TYPE_CHECKING:
    from unibuild.verify.hardening.evidence import Evidence
    from unibuild.verify.hardening.rule import Finding

_PATH = "ub_image_program"
_ALLOWED = "ub_image_allow_exec_mappings"
_LONGEST_PATH = 4096


@rule("C31", "a Linux program's memory is never writable and executable", "hardened")
def mappings(evidence: Evidence) -> Finding:
    """The kernel refuses such memory unless the image says otherwise; what it says is read there."""
    if not evidence.has(_PATH):
        return not_applicable("the program is linked with the kernel")
    allowed = evidence.linked.symbols.get(_ALLOWED)
    if allowed is None:
        return failed(f"no `{_ALLOWED}` tells the kernel what it may allow")
    if evidence.linked.content(allowed.address, 1) != b"\0":
        return failed("`allow_exec_mappings` is set: the program may write code and run it")
    return passed("mappings that are writable and executable are refused")


@rule("C32", "a Linux program runs at an address drawn at boot", "strict")
def place(evidence: Evidence) -> Finding:
    """A position-independent executable (type DYN) does; any other runs where it was linked for."""
    if not evidence.has(_PATH):
        return not_applicable("the program is linked with the kernel")
    path = _program_path(evidence)
    content = evidence.files.get(path)
    if content is None:
        return failed(f"the program {path or '?'} is not in the root file system")
    if read_elf(content).type != "ET_DYN":
        return failed(
            f"{path} is not position independent", "its stack, heap and mappings are drawn"
        )
    return passed(f"{path} is position independent")


def _program_path(evidence: Evidence) -> str:
    symbol = evidence.linked.symbols[_PATH]
    text = evidence.linked.content(symbol.address, 1)
    found = b""
    while text and text != b"\0" and len(found) < _LONGEST_PATH:
        found += text
        text = evidence.linked.content(symbol.address + len(found), 1)
    return found.decode("utf-8", "replace")
