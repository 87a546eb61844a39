from __future__ import annotations

from unibuild.elf.attribution import Share, Step, chain_to, owner_of, shares
from unibuild.elf.link_map import (
    Extraction,
    Placement,
    parse_extractions,
    parse_map,
    split_object,
)

# As ld.lld 22 writes it.
MAP = """\
             VMA              LMA     Size Align Out     In      Symbol
          100000           100000       80    16 .text
          100000           100000       1b    16         gen/main.o:(.text.main)
          100000           100000       1b     1                 main
          100020           100020       3b    16         gen/libc.a(open.o):(.text.open)
          100020           100020       3b     1                 open
          10005b           10005b        0     1         ub_end = .
          100060           100060       20    16         gen/libfile.a(open at.o):(.text.ub_sys_openat)
          101000           101000        8     1 .rodata
          101000           101000        8     1         <internal>:(.rodata.str1.1)
          102000           102000     1388    16 .bss
          102000           102000     1388    16         gen/libfile.a(open at.o):(.bss.buffer)
               0                0      277     1 .debug_abbrev
               0                0       b4     1         gen/main.o:(.debug_abbrev)
"""
WHY = (
    "reference\textracted\tsymbol\n"
    "gen/main.o\tgen/libc.a(open.o)\topen\n"
    "gen/main.o\tgen/libc.a(dead.o)\tdead\n"
    "gen/libc.a(open.o)\tgen/libfile.a(open at.o)\tub_sys_openat\n"
)
OWNERS = {"gen/main.o": "//app:app", "gen/libc.a": "//libc:libc", "gen/libfile.a": "//file:file"}


def test_every_input_section_is_placed() -> None:
    assert parse_map(MAP)[:4] == [
        Placement(".text", 0x100000, 0x1B, "gen/main.o", ".text.main"),
        Placement(".text", 0x100020, 0x3B, "gen/libc.a(open.o)", ".text.open"),
        Placement(".text", 0x100060, 0x20, "gen/libfile.a(open at.o)", ".text.ub_sys_openat"),
        Placement(".rodata", 0x101000, 8, "<internal>", ".rodata.str1.1"),
    ]


def test_extractions_without_the_heading() -> None:
    assert parse_extractions(WHY)[2] == Extraction(
        "gen/libc.a(open.o)", "gen/libfile.a(open at.o)", "ub_sys_openat"
    )
    assert parse_extractions("") == []


def test_objects_and_their_owners() -> None:
    assert split_object("a/b.a(c.o)") == ("a/b.a", "c.o")
    assert split_object("a/b.o") == ("a/b.o", "")
    assert owner_of("gen/libc.a(open.o)", OWNERS) == "//libc:libc"
    assert owner_of("<internal>", OWNERS) == ""


def test_bytes_by_owner_without_debug_data() -> None:
    found = shares(parse_map(MAP), OWNERS, {".text": True, ".rodata": True, ".bss": False})
    assert found == {
        "//app:app": Share(0x1B, 0, {"gen/main.o": 0x1B}),
        "//libc:libc": Share(0x3B, 0, {"gen/libc.a(open.o)": 0x3B}),
        "//file:file": Share(0x20, 0x1388, {"gen/libfile.a(open at.o)": 0x13A8}),
        "": Share(8, 0, {"<internal>": 8}),
    }


def test_the_chain_goes_from_the_program_to_the_component() -> None:
    live = {"gen/libc.a(open.o)", "gen/libfile.a(open at.o)"}
    assert chain_to("//file:file", parse_extractions(WHY), OWNERS, live) == [
        Step("gen/main.o", "open", "gen/libc.a(open.o)"),
        Step("gen/libc.a(open.o)", "ub_sys_openat", "gen/libfile.a(open at.o)"),
    ]
    assert chain_to("//app:app", parse_extractions(WHY), OWNERS, live) == []


def test_a_member_that_left_no_byte_is_no_reason() -> None:
    extractions = parse_extractions(WHY)
    assert chain_to("//libc:libc", extractions, OWNERS, {"gen/libc.a(open.o)"})[0].symbol == "open"
    assert chain_to("//libc:libc", extractions, OWNERS, {"gen/libc.a(dead.o)"})[0].symbol == "dead"


def test_a_circle_of_references_ends() -> None:
    circle = [Extraction("b.a(x.o)", "a.a(y.o)", "y"), Extraction("a.a(y.o)", "b.a(x.o)", "x")]
    assert len(chain_to("A", circle, {"a.a": "A"}, {"a.a(y.o)"})) <= 3
