"""ELF files by section, symbol and byte; what only moved is told from what changed."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from elf import conftest

from unibuild.elf.layout import PT_LOAD, PT_NOTE, ElfFile
from unibuild.image.boot_file import pack
from unibuild.image.symbol_file import render
from unibuild.verify.difference import Difference, drawing, explain

linked = conftest.linked
pvh_note = conftest.pvh_note

TEXT = 0x100000
DATA = 0x200000
FUNCTIONS = ("start", "main", "helper", "finish")


def program(
    bodies: dict[str, bytes], data: bytes = b"hello, world\0" * 4
) -> tuple[bytes, list[tuple[str, int, int, int, int, int]]]:
    """Lay functions out one after the other, each at a multiple of 16, filled up with int3."""
    text = b""
    symbols = []
    for name, body in bodies.items():
        text += b"\xcc" * (-len(text) % 16)
        symbols.append((name, TEXT + len(text), len(body), 2, 1, 1))
        text += body
    return text, [*symbols, ("banner", DATA, len(data), 1, 1, 2)]


@pytest.fixture
def explained(linked: Callable[..., bytes], tmp_path: Path) -> Callable[..., Difference]:
    def call(
        expected: dict[str, bytes],
        found: dict[str, bytes],
        *,
        data: tuple[bytes, bytes] = (b"d" * 40, b"d" * 40),
    ) -> Difference:
        paths = []
        for side, bodies, content in zip(
            ("expected", "found"), (expected, found), data, strict=True
        ):
            text, symbols = program(bodies, content)
            path = tmp_path / side / "image.elf"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(
                linked(
                    [(PT_LOAD, TEXT, text, len(text)), (PT_LOAD, DATA, content, len(content))],
                    symbols,
                )
            )
            paths.append(path)
        return explain(*paths)

    return call


def body(seed: int, size: int = 40) -> bytes:
    return bytes((seed * 37 + index * 11) % 251 for index in range(size))


def call_to(target: int, site: int) -> bytes:
    """A call instruction (e8, distance from its end) at address ``site``."""
    return b"\xe8" + struct.pack("<i", target - site - 5)


def drawn(difference: Difference) -> str:
    return "\n".join(drawing.lines(difference, drawing.Limits(0, 0, 0)))


def bodies() -> dict[str, bytes]:
    return {name: body(number) for number, name in enumerate(FUNCTIONS, start=1)}


def test_a_changed_byte_has_the_name_of_its_symbol(explained: Callable[..., Difference]) -> None:
    changed = bodies()
    changed["main"] = changed["main"][:18] + b"\0\1" + changed["main"][20:]
    difference = explained(bodies(), changed)
    assert [section.name for section in difference.children] == [".s0"]
    (leaf,) = difference.children[0].children
    assert (leaf.name, leaf.words) == ("main+0x12", "2 bytes differ")
    assert leaf.found == b"\0\1"
    assert difference.first_cause == "not known: main+0x12 in .s0: 2 bytes differ"


def test_a_changed_string_is_named_before_the_code_that_refers_to_it() -> None:
    reference = Difference("main+0x7", "bytes", "2 bytes differ", 7, b"\xec\x6e", b"\x04\x70")
    string = Difference("banner+0x1", "bytes", "12 bytes more", 99, b"", b"Hullo, world")
    text = Difference(".text", "section", children=(reference,))
    data = Difference(".rodata", "section", children=(string,))
    both = Difference("image.elf", "elf", children=(text, data))
    assert both.first_cause == "not known: banner+0x1 in .rodata: 12 bytes more"
    alone = Difference("image.elf", "elf", children=(text,))
    assert alone.first_cause == "not known: main+0x7 in .text: 2 bytes differ"


def test_a_grown_symbol_moves_the_others_and_only_it_differs(
    explained: Callable[..., Difference],
) -> None:
    changed = bodies()
    changed["start"] = body(1, 60)
    difference = explained(bodies(), changed)
    assert (
        difference.first_cause.startswith("not known: start in .s0: ")
        or "start+" in difference.first_cause
    )
    text = drawn(difference)
    assert "main to finish (3 symbols): moved by 16 bytes" in text
    own = [leaf for leaf in difference.children[0].children if not leaf.follows]
    assert len(own) == 1
    assert own[0].name.startswith("start")


def test_references_to_what_moved_are_no_differences_of_their_own(
    explained: Callable[..., Difference],
) -> None:
    def with_call(first: int) -> dict[str, bytes]:
        """``start`` and ``main`` call ``finish``; ``start`` is ``first`` bytes long."""
        start = -(-first // 16) * 16
        finish = TEXT + start + 48 + 48
        made = bodies()
        made["start"] = call_to(finish, TEXT) + body(1, first - 5)
        made["main"] = call_to(TEXT, TEXT + start) + call_to(finish, TEXT + start + 5) + body(2, 30)
        made["helper"] = struct.pack("<Q", finish) + body(3, 32)
        return made

    difference = explained(with_call(40), with_call(80))
    own = [leaf for leaf in difference.children[0].children if not leaf.follows]
    assert [leaf.name for leaf in own] == ["start"] or own[0].name.startswith("start+")
    assert "main, helper: only references to what moved differ" in drawn(difference)


def test_symbols_in_another_order_are_an_order(explained: Callable[..., Difference]) -> None:
    other = {name: bodies()[name] for name in ("start", "helper", "main", "finish")}
    difference = explained(bodies(), other)
    assert difference.cause_id == "order"
    assert "the same symbols" in difference.first_cause
    assert "`main` expected, `helper` found" in difference.first_cause


def test_missing_and_new_symbols_are_named(explained: Callable[..., Difference]) -> None:
    other = bodies()
    del other["finish"]
    other["extra"] = body(9)
    text = drawn(explained(bodies(), other))
    assert "finish: only in what was expected, 40 bytes" in text
    assert "extra: only in what was found, 40 bytes" in text


def test_a_date_in_data_is_named_with_its_place(explained: Callable[..., Difference]) -> None:
    difference = explained(
        bodies(), bodies(),
        data=(b"image of Nov 22 2026, 09:53:29\0", b"image of Nov 23 2026, 11:03:30\0"),
    )  # fmt: skip
    assert difference.cause_id == "date"
    assert difference.first_cause == (
        "a date: `Nov 22 2026` expected, `Nov 23 2026` found, in banner+0xe in .s1"
    )


def test_a_root_archive_inside_an_image_is_compared_by_file(
    linked: Callable[..., bytes], tmp_path: Path
) -> None:
    from unibuild.image.root_archive import write_root_archive

    images = []
    for side, zone in (
        ("expected", b"a. A 10.0.0.1\nb. A 10.0.0.2\n"),
        ("found", b"a. A 10.0.0.1\nb. A 10.0.0.3\n"),
    ):
        (tmp_path / side).mkdir()
        (tmp_path / side / "zone").write_bytes(zone)
        archive = write_root_archive({"/etc/zone": tmp_path / side / "zone"})
        text, symbols = program(bodies())
        path = tmp_path / side / "image.elf"
        content = b"constants" * 3 + archive + b"more of them"
        path.write_bytes(
            linked(
                [(PT_LOAD, TEXT, text, len(text)), (PT_LOAD, DATA, content, len(content))],
                symbols[:-1],
            )
        )
        images.append(path)
    difference = explain(*images)
    assert difference.first_cause.endswith("in line 2 in /etc/zone in root file system in .s1")


def test_a_boot_file_is_named_by_the_files_beside_it(
    linked: Callable[..., bytes], pvh_note: bytes, tmp_path: Path
) -> None:
    images = []
    for side, byte in (("expected", 1), ("found", 2)):
        changed = bodies()
        changed["main"] = changed["main"][:18] + bytes([byte]) + changed["main"][19:]
        text, symbols = program(changed)
        whole = linked(
            [(PT_LOAD, TEXT, text, len(text)), (PT_LOAD, DATA, pvh_note, len(pvh_note)),
             (PT_NOTE, DATA, pvh_note, len(pvh_note))],
            symbols[:-1],
        )  # fmt: skip
        image = pack(whole)
        folder = tmp_path / side
        folder.mkdir()
        (folder / "image.elf").write_bytes(image)
        elf = ElfFile.parse(whole)
        (folder / "image.symbols").write_text(render(elf, elf.symbols()))
        start = image.index(text)
        manifest = {
            "ranges": [
                [0, start, "image:headers", ""],
                [start, len(text), "//services/dns:dns", "main.c.o"],
            ],
            "sections": [{"name": ".text", "size": len(text), "address": TEXT, "in_file": True}],
        }
        (folder / "image.manifest.json").write_text(json.dumps(manifest))
        images.append(folder / "image.elf")
    difference = explain(*images)
    assert difference.first_cause == (
        "not known: main+0x12 in .text: 1 byte differs, from main.c.o of //services/dns:dns"
    )
    both = explain(images[0].parent, images[1].parent)
    assert "main+0x12 in .text in image.elf" in both.first_cause


def test_bytes_after_the_end_and_in_headers_are_seen(
    linked: Callable[..., bytes], tmp_path: Path
) -> None:
    text, symbols = program(bodies())
    whole = linked([(PT_LOAD, TEXT, text, len(text))], symbols[:-1])
    changed = bytearray(whole)
    changed[52] ^= 1  # the size of the header, which says nothing of any part
    sides = tmp_path / "expected", tmp_path / "found"
    for path, content in zip(sides, (whole, bytes(changed)), strict=True):
        path.write_bytes(content)
    assert not explain(*sides).equal
    sides[1].write_bytes(whole + b"appended")
    assert explain(*sides).children[-1].name == "after the end"


@pytest.mark.parametrize("place", [40, 44, 58, 60, 62])
def test_hostile_tables_are_refused_in_words(
    linked: Callable[..., bytes], tmp_path: Path, place: int
) -> None:
    text, symbols = program(bodies())
    whole = linked([(PT_LOAD, TEXT, text, len(text))], symbols[:-1])
    hostile = bytearray(whole)
    hostile[place : place + 2] = b"\xff\xff"
    sides = tmp_path / "expected", tmp_path / "found"
    for path, content in zip(sides, (whole, bytes(hostile)), strict=True):
        path.write_bytes(content)
    difference = explain(*sides)
    assert not difference.equal
    assert difference.damaged == () or "is no whole ELF file" in difference.damaged[0][1]


def test_a_link_map_beside_tells_the_object(
    explained: Callable[..., Difference], tmp_path: Path
) -> None:
    changed = bodies()
    changed["main"] = body(7)
    explained(bodies(), changed)
    line = "  100030   100030       28    16         gen/objs/main.c.o:(.text.main)\n"
    header = "     VMA      LMA     Size Align Out     In      Symbol\n"
    (tmp_path / "expected" / "image.map").write_text(
        f"{header}  100000   100000      100    16 .s0\n{line}"
    )
    sides = [tmp_path / side / "image.elf" for side in ("expected", "found")]
    assert explain(*sides).first_cause.endswith(", from main.c.o")
    archived = line.replace("gen/objs/main.c.o", "gen/libdns.a(main.o)")
    (tmp_path / "expected" / "image.map").write_text(
        f"{header}  100000   100000      100    16 .s0\n{archived}"
    )
    assert explain(*sides).first_cause.endswith(", from main.o of libdns.a")


def test_what_stands_beside_may_be_anything(
    explained: Callable[..., Difference], tmp_path: Path
) -> None:
    changed = bodies()
    changed["main"] = body(7)
    explained(bodies(), changed)
    sides = [tmp_path / side / "image.elf" for side in ("expected", "found")]
    for content in (
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"ranges": [[1, 2], ["a", 1, 2, 3]], "sections": 5}',
    ):
        for name in ("image.map", "image.symbols", "image.manifest.json"):
            (tmp_path / "expected" / name).write_bytes(content)
        assert "main" in explain(*sides).first_cause


@pytest.mark.parametrize("names", [False, True])
def test_parts_that_lie_over_one_another_are_not_copied_as_often(
    tmp_path: Path, *, names: bool
) -> None:
    """Without a bound, a file of 2 MB would fill some 30 GB of memory."""
    size = 2 << 20
    symbols = (2, 1 << 10, 24 * 40_000, 2, 24)
    sections = [(0, 0, 0, 0, 0)]
    sections += [symbols, (3, 1 << 20, 1 << 20, 0, 0)] if names else [(1, 0, size, 0, 0)] * 15_000
    headers = b"".join(
        struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, offset, length, link, 0, 1, entry)
        for kind, offset, length, link, entry in sections
    )
    start = b"\x7fELF\x02\x01\x01" + bytes(9)
    start += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64, 0, 64, 56, 0, 64, len(sections), 0)
    data = bytearray((start + headers).ljust(size, b"n"))
    if names:
        symbol = struct.pack("<IBBHQQ", 0, 0x11, 0, 1, 0, 1)
        data[1 << 10 : (1 << 10) + len(symbol) * 40_000] = symbol * 40_000
    paths = (tmp_path / "a.elf", tmp_path / "b.elf")
    for path, end in zip(paths, (b"a", b"b"), strict=True):
        path.write_bytes(data + end)
    ((_, words),) = explain(*paths).damaged
    assert words.endswith("names lie over one another" if names else "parts lie over one another")
