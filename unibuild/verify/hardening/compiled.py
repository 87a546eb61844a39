"""Rules on how the objects of the image were compiled, by the command lines in the action graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.verify.hardening.rule import failed, passed, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.verify.hardening.commands import Compiled
    from unibuild.verify.hardening.evidence import Evidence
    from unibuild.verify.hardening.rule import Finding

_SHOWN = 12
_PROPERTIES = ".note.gnu.property"


@rule("C6", "stack protector", "base")
def stack_protector(evidence: Evidence) -> Finding:
    """The alarm is linked, and every C object has canaries where arrays are."""
    if not evidence.has("__stack_chk_fail"):
        return failed("the alarm `__stack_chk_fail` is not in the image")
    return _every_object(
        evidence,
        "canaries",
        r"-f(no-)?stack-protector(-all|-strong)?",
        lambda flag: flag in ("-fstack-protector-strong", "-fstack-protector-all"),
    )


@rule("C8", "large frames touch each page", "hardened")
def stack_clash(evidence: Evidence) -> Finding:
    """No frame can jump over a guard page."""
    return _every_object(
        evidence,
        "probed frames",
        r"-f(no-)?stack-clash-protection",
        lambda flag: flag == "-fstack-clash-protection",
    )


@rule("C10", "variables begin with a known value", "hardened")
def automatic_initialisation(evidence: Evidence) -> Finding:
    """A variable that is used before it is set holds no old stack contents."""
    return _every_object(
        evidence,
        "variables that begin as zero or a pattern",
        r"-ftrivial-auto-var-init=\w+",
        lambda flag: flag.endswith(("=zero", "=pattern")),
    )


@rule("C11", "format strings are looked at", "hardened")
def format_strings(evidence: Evidence) -> Finding:
    """The compiler looks for format strings that come from outside.

    Bounds-checked variants of library functions (FORTIFY) need a C library that has them; ours has
    none. The C library's own sources are compiled without warnings, by its own conventions.
    """
    libraries = {one["label"] for one in evidence.manifest["components"] if one["kind"] == "libc"}
    return _every_object(
        evidence,
        "warnings about format strings",
        r"-Wno-format(-security)?|-Wformat-security|-w",
        lambda flag: flag == "-Wformat-security",
        lambda one: one.label not in libraries,
    )


@rule("C12", "control flow is enforced by the processor", "strict")
def control_flow(evidence: Evidence) -> Finding:
    """All objects have landing pads for indirect branches (CET), and the linker says so."""
    noted = any(one.name == _PROPERTIES and one.size for one in evidence.linked.sections)
    found = _every_object(
        evidence,
        "landing pads",
        r"-fcf-protection(=\w+)?",
        lambda flag: flag in ("-fcf-protection", "-fcf-protection=full", "-fcf-protection=branch"),
    )
    if found.result == "passed" and not noted:
        return failed(f"the image has no {_PROPERTIES}: an object has none", *found.evidence)
    return found


@rule("C29", "every object carries its flags", "base")
def flags_recorded(evidence: Evidence) -> Finding:
    """The graph has a compile command for each object and archive that was linked."""
    unknown = [f"{one.path} of {one.label}" for one in evidence.compiled if one.flags is None]
    if unknown:
        return failed("the graph does not say how an object was compiled", *_some(unknown))
    if not any(one.language == "C" for one in evidence.compiled):
        return failed("the graph has no compile command for this image")
    return passed(
        f"the action graph has the compile commands of all {len(evidence.compiled)} objects and"
        " archives, and that of the link"
    )


def _every_object(
    evidence: Evidence,
    what: str,
    pattern: str,
    fits: Callable[[str], bool],
    concerns: Callable[[Compiled], bool] = lambda _one: True,
) -> Finding:
    """Find whether the last flag that ``pattern`` matches ``fits``, for every C object."""
    wrong = []
    flags: dict[str, int] = {}
    for one in evidence.compiled:
        if one.language == "assembly" or not concerns(one):
            continue
        flag = one.last(pattern)
        if not fits(flag):
            wrong.append(f"{one.path} of {one.label}: {flag or 'no such flag'}")
        flags[flag] = flags.get(flag, 0) + 1
    if wrong:
        return failed(f"an object was compiled without {what}", *_some(wrong))
    if not flags:
        return failed(f"no object is known to be compiled with {what}")
    return passed(
        f"all C objects have {what}",
        *(f"{flag}: {count} objects and archives" for flag, count in sorted(flags.items())),
    )


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
