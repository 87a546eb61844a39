from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from unibuild.elf.layout import PT_LOAD, STT_NOTYPE, ElfFile, MalformedElfError
from unibuild.image import identity
from unibuild.image.boot_file import file_offset, pack

Maker = Callable[..., bytes]


def test_the_identity_is_the_digest_of_everything_else() -> None:
    image = b"head" + bytes(32) + b"tail"
    sealed = identity.seal(image, 4)
    assert sealed == b"head" + hashlib.sha256(image).digest() + b"tail"
    assert identity.compute(sealed, 4) == sealed[4:36]
    assert identity.compute(sealed[:-1] + b"x", 4) != sealed[4:36]


@pytest.mark.parametrize("offset", [-1, 1, 10**9])
def test_a_place_outside_the_file_is_refused(offset: int) -> None:
    with pytest.raises(MalformedElfError):
        identity.compute(bytes(32), offset)


@pytest.mark.parametrize(("section", "found"), [(1, 0x100010), (0, None)])
def test_only_a_defined_symbol_is_a_place(linked: Maker, section: int, found: int | None) -> None:
    symbols = [("ub_image_identity", 0x100010, 32, STT_NOTYPE, 1, section)]
    elf = ElfFile.parse(linked([(PT_LOAD, 0x100000, b"x" * 64, 64)], symbols))
    assert identity.address(elf.symbols()) == found


def test_zero_bytes_that_wait_for_the_identity_stay_in_the_file(
    linked: Maker, pvh_note: bytes
) -> None:
    rodata = pvh_note + b"constants" + bytes(64)
    data = linked([(PT_LOAD, 0x100000, rodata, 4096), (4, 0x100000, pvh_note, len(pvh_note))])
    place = 0x100000 + len(rodata) - 64
    packed = pack(data, range(place, place + identity.SIZE))
    assert file_offset(ElfFile.parse(packed), place + identity.SIZE - 1) is not None
    assert file_offset(ElfFile.parse(packed), place + identity.SIZE) is None
    assert len(packed) == len(pack(data)) + identity.SIZE
