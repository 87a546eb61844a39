"""Whatever the bytes: a thing equals itself, nothing raises, and what differs is never called equal."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from pathlib import Path

import pytest
from elf.conftest import make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unibuild.elf.layout import PT_LOAD
from unibuild.verify.difference import drawing, explain
from unibuild.verify.difference.alignment import hunks
from unibuild.verify.difference.spans import Span, aligned, in_place, spans

MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOME_BYTES = st.binary(max_size=300)
TEXTS = st.text('ab\n\r {}[]":,1-0/T', max_size=120)
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(("set", "cut", "insert")),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    for where, what, content in edits:
        at = int(where * len(data))
        end = at + len(content) if what in ("set", "cut") else at
        data = data[:at] + (b"" if what == "cut" else content) + data[end:]
    return data


def check(expected: bytes, found: bytes) -> None:
    """Compare both ways, and each with itself; draw and write what comes out."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "a"), Path(folder, "b")
        for path, content in zip(paths, (expected, found), strict=True):
            path.write_bytes(content)
        assert explain(paths[0], paths[0]).equal
        for one, other in (paths, paths[::-1]):
            difference = explain(one, other)
            assert difference.equal == (expected == found)
            assert bool(difference.first_cause) != difference.equal
            assert bool(drawing.lines(difference)) != difference.equal
            json.dumps(difference.document())


@MANY
@given(SOME_BYTES, SOME_BYTES)
def test_any_bytes(expected: bytes, found: bytes) -> None:
    check(expected, found)


@MANY
@given(TEXTS, TEXTS)
def test_any_text(expected: str, found: str) -> None:
    check(expected.encode(), found.encode())


@MANY
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=12,
    ),
    EDITS,
)  # fmt: skip
def test_mutated_json(value: object, edits: list[tuple[float, str, bytes]]) -> None:
    data = json.dumps({"value": value, "more": [1, 2, {"name": "x"}]}).encode()
    check(data, mutated(data, edits))


@pytest.mark.parametrize(
    "magic", [b"\x7fELF\x02\x01\x01", b"!<arch>\n", b"070701", b"{", b"[[", b"\x1f\x8b\x08"]
)
def test_any_bytes_behind_a_magic_number(magic: bytes) -> None:
    @MANY
    @given(SOME_BYTES, SOME_BYTES)
    def some(expected: bytes, found: bytes) -> None:
        check(magic + expected, magic + found)

    some()


@MANY
@given(EDITS)
def test_mutated_archives(edits: list[tuple[float, str, bytes]]) -> None:
    header = b"a.o/            0           0     0     644     4         `\n"
    data = b"!<arch>\n" + header + b"abcd" + header.replace(b"a.o", b"b.o") + b"efgh"
    check(data, mutated(data, edits))


@MANY
@given(EDITS, st.booleans())
def test_mutated_tar_archives(edits: list[tuple[float, str, bytes]], packed: bool) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("one", "two"):
            header = tarfile.TarInfo(name)
            header.size = 100
            archive.addfile(header, io.BytesIO(bytes(100)))
    data = stream.getvalue()[:3072]
    data = gzip.compress(data, mtime=1) if packed else data
    check(data, mutated(data, edits))


@MANY
@given(EDITS)
def test_mutated_root_archives(edits: list[tuple[float, str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "f")
        source.write_bytes(b"content")
        from unibuild.image.root_archive import write_root_archive

        data = write_root_archive({"/etc/a": source, "/etc/b": source})
    check(data, mutated(data, edits))


@MANY
@given(EDITS)
def test_mutated_elf_files(edits: list[tuple[float, str, bytes]]) -> None:
    text = bytes(range(200))
    symbols = [("one", 0x1000, 80, 2, 1, 1), ("two", 0x1050, 100, 2, 1, 1)]
    data = make([(PT_LOAD, 0x1000, text, 200), (PT_LOAD, 0x3000, text, 400)], symbols, padding=64)
    check(data, mutated(data, edits))


def rebuilt(expected: bytes, found: bytes, places: list[Span]) -> bytes:
    """Return ``expected`` with each span replaced by what stands there in ``found``."""
    result, position = b"", 0
    for span in places:
        result += expected[position : span.start] + found[span.other_start : span.other_end]
        position = span.end
    return result + expected[position:]


@MANY
@given(st.binary(max_size=2000), EDITS)
def test_spans_hold_everything_that_differs(
    expected: bytes, edits: list[tuple[float, str, bytes]]
) -> None:
    found = mutated(expected, edits)
    for way in (spans, aligned):
        assert rebuilt(expected, found, way(expected, found)) == found
    if len(found) == len(expected):
        assert rebuilt(expected, found, in_place(expected, found)) == found


@MANY
@given(
    st.lists(st.sampled_from("abcde"), max_size=500),
    st.lists(st.sampled_from("abcde"), max_size=500),
)
def test_hunks_hold_every_line_that_differs(expected: list[str], found: list[str]) -> None:
    result, position = [], 0
    for a, b, c, d in hunks(expected, found):
        result += expected[position:a] + found[c:d]
        position = b
    assert result + expected[position:] == found
