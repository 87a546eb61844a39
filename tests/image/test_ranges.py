from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from unibuild.elf.layout import PT_LOAD, ElfFile
from unibuild.elf.link_map import INTERNAL, Placement
from unibuild.elf.merged import given_back
from unibuild.image.boot_file import WRAP_ADDRESS, wrap
from unibuild.image.contents import _whose
from unibuild.image.ranges import FILLING, HEADERS, cover, header_size

Maker = Callable[..., bytes]
BOOT = ElfFile.parse(wrap(bytes(range(1, 200))))


@given(
    st.lists(
        st.tuples(
            st.integers(WRAP_ADDRESS - 50, WRAP_ADDRESS + 500),
            st.integers(1, 300),
            st.sampled_from(["//a:a", "//b:b"]),
            st.sampled_from(["one.o", "two.o"]),
        ),
        max_size=12,
    )
)
def test_every_byte_has_one_owner_whatever_is_claimed(
    claims: list[tuple[int, int, str, str]],
) -> None:
    found = cover(BOOT, claims)
    end = 0
    for offset, size, owner, _ in found:
        assert offset == end
        assert size > 0
        assert owner in {HEADERS, FILLING, "//a:a", "//b:b"}
        end += size
    assert end == len(BOOT.data)
    assert found[0][2] == HEADERS
    assert found[0][1] == header_size(BOOT)
    assert all(one[2:] != other[2:] for one, other in itertools.pairwise(found))


def test_what_the_linker_makes_is_told_apart() -> None:
    def owner(object_: str, section: str) -> str:
        return _whose(Placement(".x", 0, 8, object_, section), {"a.o": "//a:a"})[0]

    assert owner("a.o", ".text") == "//a:a"
    assert owner(INTERNAL, ".rodata.str1.1") == "image:shared"
    assert owner(INTERNAL, ".relr.dyn") == "image:tables"
    assert owner("<script>", "QUAD(1)") == "image:layout"


def test_merged_pieces_that_nobody_has_stay_with_the_linker(linked: Maker) -> None:
    elf = ElfFile.parse(linked([(PT_LOAD, 0x100000, b"mine\0yours\0", 11)]))
    placement = Placement(".rodata", 0x100000, 11, INTERNAL, ".rodata.str1.1")
    assert given_back(elf, [placement], []) == [placement]
