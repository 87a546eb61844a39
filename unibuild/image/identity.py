"""The identity of an image: the digest of its boot file, inside the boot file.

A program that refers to ``ub_image_identity`` (``<unibuild/image.h>``; the kernel's start does) gets 32
bytes of read-only data. The linker leaves them zero; packing computes SHA-256 over the whole boot file
with these bytes zero and writes the digest in their place. Whoever has the file can do the same again,
and what a running image prints is compared with the file that was meant to boot.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from unibuild.elf.layout import SHN_UNDEF, MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.elf.layout import Symbol

SYMBOL = "ub_image_identity"
SIZE = 32


def address(symbols: Iterable[Symbol]) -> int | None:
    """Return where the linked image wants its identity, None when it has no place for one."""
    for symbol in symbols:
        if symbol.name == SYMBOL and symbol.section != SHN_UNDEF:
            return symbol.value
    return None


def compute(image: bytes, offset: int) -> bytes:
    """Return the identity of a boot file whose 32 bytes at ``offset`` are meant for it.

    Raises ``MalformedElfError`` when the file has no 32 bytes there.
    """
    if not 0 <= offset <= len(image) - SIZE:
        raise MalformedElfError(f"the file has no {SIZE} bytes at {offset} for its identity")
    return hashlib.sha256(image[:offset] + bytes(SIZE) + image[offset + SIZE :]).digest()


def seal(image: bytes, offset: int) -> bytes:
    """Return ``image`` with its identity at ``offset``."""
    return image[:offset] + compute(image, offset) + image[offset + SIZE :]
