"""Files that are no programs, and programs whose headers lie: one error each, and never a traceback."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tiny_elf import ET_DYN, EXECUTE, HEADER, READ, SEGMENT, WRITE, Tiny

from unibuild.elf.system_calls import scan
from unibuild.elf.validation import validate
from unibuild.model.errors import ActionError

GOOD = Tiny().build()
DYNAMIC = Tiny(interpreter="/lib/ld.so", needed=["libc.so.6"], exports={"main": 0}).build()
PHOFF = HEADER.size


def _field(data: bytes, offset: int, form: str, value: int) -> bytes:
    return data[:offset] + struct.pack(form, value) + data[offset + struct.calcsize(form) :]


def _segment(index: int, place: int, value: int) -> Callable[[bytes], bytes]:
    """Change a 64-bit field of a program header; ``place`` is its offset in the header."""
    return lambda data: _field(data, PHOFF + index * SEGMENT.size + place, "<Q", value)


OFFSET, ADDRESS, FILE_SIZE, MEMORY_SIZE, ALIGNMENT = 8, 16, 32, 40, 48


def _refused(data: bytes, **options: bool) -> ActionError:
    with pytest.raises(ActionError) as caught:
        validate("server", data, **options)
    return caught.value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"#!/bin/sh -e\necho hi\n", "a script for /bin/sh -e"),
        (b"#!", "a script for no interpreter"),
        (b"!<arch>\n", "a static archive"),
        (b"MZ\x90\0", "Windows"),
        (b"\xcf\xfa\xed\xfe\x07", "macOS"),
        (b"\xca\xfe\xba\xbe", "macOS, or a Java class"),
        (b"\0asm\1\0\0\0", "WebAssembly"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "ZIP"),
        (b"package main\n\nfunc main() {}\n", "text"),
        (b"\x80\x81\x82", "not known"),
    ],
)
def test_a_file_of_another_kind_is_named(data: bytes, words: str) -> None:
    error = _refused(data)
    assert error.id == "not-an-elf"
    assert words in error.cause


@pytest.mark.parametrize(
    ("damage", "identifier", "words"),
    [
        (lambda data: data[:20], "truncated-elf", "20 bytes"),
        (lambda data: data[:100], "truncated-elf", "program headers"),
        (lambda data: data[:-1], "truncated-elf", "segment 1 should end at byte"),
        (lambda data: _field(data, 4, "B", 1), "elf-32-bit", "32-bit"),
        (lambda data: _field(data, 5, "B", 2), "elf-big-endian", "big-endian"),
        (lambda data: _field(data, 4, "B", 9), "damaged-elf", "class"),
        (lambda data: _field(data, 7, "B", 9), "wrong-system", "FreeBSD"),
        (lambda data: _field(data, 18, "<H", 183), "wrong-machine", "64-bit ARM"),
        (lambda data: _field(data, 18, "<H", 9999), "wrong-machine", "machine 9999"),
        (lambda data: _field(data, 16, "<H", 1), "not-a-program", "object file"),
        (lambda data: _field(data, 16, "<H", 4), "not-a-program", "core dump"),
        (lambda data: _field(data, 16, "<H", 77), "not-a-program", "unknown type 77"),
        (lambda data: _field(data, 56, "<H", 0), "damaged-elf", "no program headers"),
        (lambda data: _field(data, 54, "<H", 55), "damaged-elf", "55 bytes each"),
        (lambda data: _field(data, 32, "<Q", 1 << 63), "truncated-elf", "program headers"),
        (lambda data: _field(data, 24, "<Q", 0x400000), "damaged-elf", "where it has no code"),
        (lambda data: _field(data, 24, "<Q", 2**64 - 1), "damaged-elf", "where it has no code"),
        (_segment(1, OFFSET, 1 << 40), "truncated-elf", "segment 1"),
        (_segment(1, FILE_SIZE, 2**64 - 1), "truncated-elf", "segment 1"),
        (_segment(1, MEMORY_SIZE, 1), "damaged-elf", "more bytes in the file than in memory"),
        (_segment(1, MEMORY_SIZE, 2**64 - 1), "damaged-elf", "programs have no memory"),
        (_segment(1, ADDRESS, 0x400000), "damaged-elf", "overlap"),
        (_segment(1, ADDRESS, 0x401001), "damaged-elf", "differ within a page"),
        (_segment(1, ALIGNMENT, 3), "damaged-elf", "no power of two"),
        (_segment(0, ADDRESS, 0), "damaged-elf", "address 0"),
    ],
)
def test_a_damaged_program_is_refused(
    damage: Callable[[bytes], bytes], identifier: str, words: str
) -> None:
    validate("server", GOOD)
    error = _refused(damage(GOOD))
    assert error.id == identifier
    assert words in error.cause
    assert error.cause.startswith("server ")
    assert error.hint


def test_code_that_can_be_written_is_refused_unless_allowed() -> None:
    both = replace(Tiny(), access=READ | WRITE | EXECUTE).build()
    assert _refused(both).id == "writable-code"
    validate("server", both, allow_exec_mappings=True)


def test_an_executable_stack_is_refused_unless_allowed() -> None:
    stack = replace(Tiny(), stack=READ | WRITE | EXECUTE).build()
    assert _refused(stack).id == "executable-stack"
    validate("server", stack, allow_exec_mappings=True)


def test_a_shared_library_is_no_program() -> None:
    library = Tiny(kind=ET_DYN, soname="libx.so.1", exports={"x": 0}).build()
    assert "shared library" in _refused(library).cause


def test_libraries_without_an_interpreter_are_refused() -> None:
    assert "no interpreter" in _refused(Tiny(needed=["libc.so.6"]).build()).cause


@pytest.mark.parametrize(
    ("path", "words"), [("", "empty"), ("ld.so", "absolute"), ("/" + "x" * 2000, "")]
)
def test_the_path_of_the_interpreter(path: str, words: str) -> None:
    data = Tiny(interpreter=path or "x", needed=["libc.so.6"]).build()
    if not path:
        data = data.replace(b"x\0", b"\0\0", 1)
    if words:
        assert words in _refused(data).cause
    else:
        validate("server", data)


def test_a_dynamic_section_that_lies() -> None:
    where = DYNAMIC.index(struct.pack("<qQ", 5, 0)[:8])  # DT_STRTAB
    error = _refused(_field(DYNAMIC, where + 8, "<Q", 0x7000000))
    assert error.id == "damaged-elf"
    assert "dynamic section" in error.cause


def _answered(data: bytes, folder: Path) -> None:
    """Take a file as the build does: it is refused with an error, or it is scanned."""
    path = folder / "program"
    path.write_bytes(data)
    library = folder / "library"
    library.write_bytes(DYNAMIC)
    found: list[ActionError] = []
    try:
        validate("program", data)
        scan(path, {"/lib/ld.so": library, "/lib/libc.so.6": library})
    except ActionError as error:
        found.append(error)
    assert all(one.id and one.cause for one in found)


DAMAGE = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=6)
_RELAXED = settings(
    max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_RELAXED
@given(damage=DAMAGE, dynamic=st.booleans())
def test_random_damage_is_one_error_or_none(
    damage: list[tuple[int, int]], dynamic: bool, tmp_path: Path
) -> None:
    data = bytearray(DYNAMIC if dynamic else GOOD)
    for place, value in damage:
        data[place] = value
    _answered(bytes(data), tmp_path)


@_RELAXED
@given(length=st.integers(0, len(DYNAMIC)))
def test_every_truncation_is_one_error(length: int, tmp_path: Path) -> None:
    _answered(DYNAMIC[:length], tmp_path)


@_RELAXED
@given(code=st.binary(min_size=1, max_size=400))
def test_random_code_is_scanned(code: bytes, tmp_path: Path) -> None:
    _answered(Tiny(code=code).build(), tmp_path)
