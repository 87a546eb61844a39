"""Images as the rules of hardening see them: built as a user does, and changed so that one rule breaks."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.command import unibuild

from unibuild.elf.layout import HEADER, PROGRAM_HEADER
from unibuild.execution.request import TargetReport
from unibuild.loading.workspace import read_workspace
from unibuild.verify import hardening_check
from unibuild.verify.hardening.evidence import Evidence, read_elf
from unibuild.verify.hardening.rule import Finding, rules
from unibuild.verify.outcome import Quiet
from unibuild.verify.workbench import ImageFiles, Options, Workbench

Gather = Callable[[str], Evidence]


def bench_of(workspace: Path, name: str, scratch: Path, hardening: str = "base") -> Workbench:
    """Build ``//:name`` as a user does and return the bench of its verification."""
    label = f"//:{name}"
    result = unibuild("build", label, cwd=workspace)
    assert result.returncode == 0, result.stderr
    made = workspace / "unibuild-out"
    cache = os.environ.get("UNIBUILD_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Workbench(
        label=label,
        image=ImageFiles(
            image=made / f"{name}.elf",
            symbols=made / f"{name}.symbols",
            manifest=made / f"{name}.manifest.json",
        ),
        cache_root=Path(cache) if cache else base / "unibuild",
        jobs=1,
        sandbox="auto",
        scratch=scratch,
        kept=scratch,
        rebuild_command=(sys.executable, "-m", "unibuild.cli.rebuild"),
        options=Options(hardening=hardening),
        progress=Quiet(),
        workspace=read_workspace(workspace),
        target=TargetReport(label, "unikernel_image", (), {}),
    )


def find(evidence: Evidence, identifier: str) -> Finding:
    (one,) = [one for one in rules() if one.id == identifier]
    return one.look(evidence)


def breaks(evidence: Evidence, identifier: str, *words: str) -> None:
    """The evidence breaks one rule, with ``words`` in what it says, and a check would fail."""
    finding = find(evidence, identifier)
    text = "\n".join((finding.reason, *finding.evidence))
    assert finding.result == "failed", text
    assert all(word in text for word in words), text
    outcome = hardening_check.judge(evidence, "strict")
    assert outcome.status == "failed"
    assert any(f"breaks {identifier}, " in error.cause for error in outcome.errors)
    assert {error.id for error in outcome.errors} == {"hardening-missing"}


def header_at(data: bytes, index: int) -> int:
    """Where program header ``index`` of an ELF file is."""
    return int(HEADER.unpack_from(data)[5]) + index * PROGRAM_HEADER.size


def with_header(data: bytes, kind: int, **fields: int) -> bytes:
    """An ELF file with other values in the first program header of type ``kind``."""
    names = ("type", "flags", "offset", "address", "physical", "file_size", "size", "alignment")
    changed = bytearray(data)
    for index in range(HEADER.unpack_from(data)[10]):
        at = header_at(data, index)
        values = dict(zip(names, PROGRAM_HEADER.unpack_from(data, at), strict=True))
        if values["type"] == kind:
            PROGRAM_HEADER.pack_into(changed, at, *{**values, **fields}.values())
            return bytes(changed)
    raise AssertionError(kind)


def booted_as(evidence: Evidence, data: bytes) -> Evidence:
    return dataclasses.replace(evidence, boot=read_elf(data))


def linked_as(evidence: Evidence, **changes: Any) -> Evidence:
    return dataclasses.replace(evidence, linked=dataclasses.replace(evidence.linked, **changes))


def without(evidence: Evidence, *symbols: str) -> Evidence:
    kept = {name: one for name, one in evidence.linked.symbols.items() if name not in symbols}
    return linked_as(evidence, symbols=kept)
