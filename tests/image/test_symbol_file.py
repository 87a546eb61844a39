from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.elf.layout import PT_LOAD, ElfFile
from unibuild.image.symbol_file import HEADER, SymbolFile, render, render_program
from unibuild.machine.backtrace import Names, describe
from unibuild.machine.console import Frame
from unibuild.model.errors import UserError

TEXT = f"{HEADER}\n100000 20 entry\n100040 0 label\n100100 10 main\n"


def test_functions_and_labels_of_code(linked: Callable[..., bytes]) -> None:
    data = linked(
        [(PT_LOAD, 0x100000, b"\x90" * 64, 64), (PT_LOAD, 0x101000, b"data", 4)],
        [
            ("main", 0x100010, 8, 2, 1, 1),
            ("alias", 0x100010, 0, 2, 1, 1),
            ("label", 0x100000, 0, 0, 0, 1),
            (".Lx", 0x100004, 0, 0, 0, 1),
            ("table", 0x101000, 4, 1, 1, 2),
            ("missing", 0, 0, 2, 1, 0),
        ],
    )
    elf = ElfFile.parse(data)
    assert render(elf, elf.symbols()) == f"{HEADER}\n100000 0 label\n100010 8 main\n"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (0xFFFFF, ""),
        (0x100000, "entry+0x0"),
        (0x10001F, "entry+0x1f"),
        (0x100030, ""),  # between two functions
        (0x1000FF, "label+0xbf"),  # a label has no end of its own
        (0x100108, "main+0x8"),
        (0x200000, ""),
    ],
)
def test_addresses_get_names(address: int, name: str) -> None:
    assert SymbolFile.parse(TEXT).find(address) == name


@pytest.mark.parametrize(
    "text", ["", "unibuild symbols 9\n", f"{HEADER}\nzz 1 main\n", f"{HEADER}\n1\n"]
)
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(UserError) as caught:
        SymbolFile.parse(text)
    assert caught.value.id == "bad-symbol-file"


@given(st.text())
def test_no_text_gives_another_error(text: str) -> None:
    with suppress(UserError):
        SymbolFile.parse(text).find(0x1234)


def test_the_functions_of_a_linux_program(linked: Callable[..., bytes]) -> None:
    data = linked(
        [(PT_LOAD, 0x400000, b"\x90" * 64, 64)],
        [("main", 0x400010, 8, 2, 1, 1), ("helper", 0x400020, 16, 2, 0, 1)],
    )
    names = SymbolFile.parse(render_program(data))
    assert names.find(0x400012) == "main+0x2"
    assert names.find(0x40002F) == "helper+0xf"
    assert names.find(0x400031) == ""


def test_a_backtrace_without_symbols_still_shows_addresses() -> None:
    assert describe("panic: out of memory", [Frame(0x100108)], Names()) == ["at ? (0x100108)"]


def test_the_instruction_comes_first_and_once() -> None:
    frames = [Frame(0x100100), Frame(0x100010)]
    names = Names(SymbolFile.parse(TEXT))
    assert describe("page fault rip=100100 cr2=0", frames, names) == [
        "at main+0x0 (0x100100)",
        "at entry+0xf (0x100010)",
    ]
