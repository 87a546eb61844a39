"""Rules on how the image lies in memory: its segments, and what is in which.

The monitor puts the segments of the boot file into memory; the kernel's entry code maps each with the
rights that the linker script (``kernel/link/image.ld``) gives its segment, before any C code runs.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from unibuild.verify.hardening.evidence import EXECUTE, PAGE, RELATIVE, WRITE
from unibuild.verify.hardening.rule import failed, not_applicable, passed, rule

if TYPE_CHECKING:
    from unibuild.verify.hardening.evidence import Evidence, Segment
    from unibuild.verify.hardening.rule import Finding

LOWEST_ADDRESS = 64 << 10
_READ_ONLY = (
    ".rodata", ".data.rel.ro", ".got", ".got.plt", ".init_array", ".fini_array",
    ".ub_initialize", ".ub_entropy", ".ub_root", ".tdata", ".note.Xen",
)  # fmt: skip
_LAZY = (".plt", ".got.plt", ".rela.plt")
_SLIDE = "ub_image_slide"
_GUARD_TABLE, _GUARD_TABLE_END = "ub_stack_guards", "ub_stack_guards_end"
_GUARD_PREFIX, _STACK_SUFFIX = "ub_stack_guard_", "_stack_top"


@rule("C1", "position independent", "base")
def position_independent(evidence: Evidence) -> Finding:
    """The file can lie anywhere: type DYN, the code that moves it, and no relocation in text."""
    types = (f"boot file: {evidence.boot.type}", f"linked file: {evidence.linked.type}")
    wrong = [one for one in types if not one.endswith("ET_DYN")]
    if wrong:
        return failed("the image is linked for one address", *wrong)
    if not evidence.has(_SLIDE):
        return failed("nothing in the image moves it", f"no symbol {_SLIDE}")
    text = [one for one in evidence.linked.loads if one.flags & EXECUTE]
    changed = [
        f"{kind} at {place:#x}"
        for place, kind in evidence.linked.relocations
        if kind != RELATIVE or any(one.address <= place < one.end for one in text)
    ]
    if changed:
        return failed("a relocation changes text, or is not known to the entry code", *changed)
    return passed(
        "where the image runs is drawn at boot",
        *types,
        f"{len(evidence.linked.relocations)} relative relocations, none of them in text",
    )


@rule("C3", "nothing is both writable and executable", "base")
def write_xor_execute(evidence: Evidence) -> Finding:
    """No segment, and no page that two segments share, is writable and executable."""
    both = WRITE | EXECUTE
    files = {"boot file": evidence.boot, "linked file": evidence.linked}
    wrong = [
        f"{name}: {one}"
        for name, file in files.items()
        for one in file.segments
        if one.type in ("PT_LOAD", "PT_TLS") and one.flags & both == both
    ]
    wrong += [
        f"{name}: {one} (stacks may be executed)"
        for name, file in files.items()
        for one in file.segments
        if one.type == "PT_GNU_STACK" and one.flags & EXECUTE
    ]
    wrong += [
        f"{name}: one page holds the end of {low} and the start of {high}"
        for name, file in files.items()
        for low, high in combinations(sorted(file.loads, key=lambda one: one.address), 2)
        if _share_a_page(low, high) and (low.flags | high.flags) & both == both
    ]
    if wrong:
        return failed("a segment is writable and executable", *wrong)
    if not any(one.type == "PT_GNU_STACK" for one in evidence.linked.segments):
        return failed("the linker was not told that stacks are not executed", "no PT_GNU_STACK")
    return passed(
        "every segment is writable or executable or neither", *map(str, evidence.boot.segments)
    )


@rule("C4", "constants and pointer tables are read-only", "base")
def read_only(evidence: Evidence) -> Finding:
    """What relocation and linking finish lies in segments that nobody may write."""
    lazy = [one.name for one in evidence.linked.sections if one.name in _LAZY and one.size]
    if lazy:
        return failed("functions are bound when first called", *lazy)
    wrong, seen = [], []
    for section in evidence.linked.sections:
        if not section.size or not section.name.startswith(_READ_ONLY):
            continue
        home = _segment_of(evidence.boot.loads, section.address)
        seen.append(f"{section.name} in {home or 'no segment'}")
        if home is None or home.flags & (WRITE | EXECUTE):
            wrong.append(seen[-1])
    if wrong:
        return failed("constants lie where they can be written or executed", *wrong)
    if not seen:
        return failed("the image has no read-only segment for its constants")
    return passed("constants and pointer tables lie in a segment that is only read", *seen)


@rule("C5", "the null page is not mapped", "base")
def null_page(evidence: Evidence) -> Finding:
    """Nothing of the image lies below 64 KiB, in physical or virtual memory."""
    loads = evidence.boot.loads
    lowest = min((min(one.address, one.physical_address) for one in loads), default=0)
    if lowest < LOWEST_ADDRESS:
        return failed(f"the image begins at {lowest:#x}, below 64 KiB", *map(str, loads))
    return passed(f"the image begins at {lowest:#x}")


@rule("C7", "stacks have guard pages", "base")
def guard_pages(evidence: Evidence) -> Finding:
    """Each stack of the image lies right above a page that the entry code leaves unmapped."""
    symbols = evidence.linked.symbols
    stacks = [one for name, one in symbols.items() if name.endswith(_STACK_SUFFIX)]
    if not stacks:
        return not_applicable("the image has no stack of its own")
    table, end = symbols.get(_GUARD_TABLE), symbols.get(_GUARD_TABLE_END)
    if table is None or end is None:
        return failed("the image has no table of guard pages", *(one.name for one in stacks))
    listed = _listed(evidence, table.address, end.address)
    guards = sorted(
        one.address for name, one in symbols.items()
        if name.startswith(_GUARD_PREFIX) and name not in (_GUARD_TABLE, _GUARD_TABLE_END)
    )  # fmt: skip
    wrong = [f"{guard:#x} is not in the table" for guard in guards if guard not in listed]
    wrong += [f"{guard:#x} is not on a page" for guard in guards if guard % PAGE]
    seen = []
    borders = sorted((*guards, *(one.address for one in stacks)))
    for stack in sorted(stacks, key=lambda one: one.address):
        # What comes before a stack's top, with nothing between, is the guard below it.
        below = max((border for border in borders if border < stack.address), default=0)
        if below not in guards:
            wrong.append(f"{stack.name}: no guard page below")
        else:
            size = stack.address - below - PAGE
            seen.append(f"{stack.name}: {size} bytes above the guard at {below:#x}")
    if wrong:
        return failed("a stack has no guard page", *wrong)
    return passed("every stack lies above an unmapped page", *seen)


def _listed(evidence: Evidence, start: int, end: int) -> frozenset[int]:
    """The addresses in the table of guard pages, which holds their distances from its start."""
    content = evidence.linked.content(start, end - start) or b""
    return frozenset(
        start + int.from_bytes(content[at : at + 4], "little") for at in range(0, len(content), 4)
    )


def _share_a_page(low: Segment, high: Segment) -> bool:
    return bool(low.memory_size and high.memory_size) and high.address // PAGE <= (
        (low.end - 1) // PAGE
    )


def _segment_of(loads: tuple[Segment, ...], address: int) -> Segment | None:
    return next((one for one in loads if one.address <= address < one.end), None)
