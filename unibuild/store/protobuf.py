"""The protocol buffer wire format, as far as the Remote Execution API messages here need it.

Only varint (0) and length-delimited (2) fields are written; the reader skips the fixed ones too.
Fields are written in the order of their numbers and default values are left out, which is what
makes an encoding canonical (encoding.proto3; remote_execution.proto, "Action").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_MAXIMUM_VARINT_BYTES = 10


_DIGITS = [bytes((value,)) for value in range(128)]


class MalformedMessageError(ValueError):
    """The bytes are no message: they end early or use a wire type that does not exist."""


def varint(value: int) -> bytes:
    """Return a non-negative ``value`` below 2**64 in base 128, low digits first."""
    if value < 0x80:  # noqa: PLR2004 - one digit of base 128
        return _DIGITS[value]
    digits = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - see above
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def number(field: int, value: int) -> bytes:
    """Return an integer or boolean field, or nothing for 0."""
    return varint(field << 3) + varint(value) if value else b""


def message(field: int, value: bytes) -> bytes:
    """Return an embedded message, which may be empty, or a repeated string."""
    size = len(value)
    if size < 0x80 and field < 0x10:  # noqa: PLR2004 - tag and size are one byte each
        return _DIGITS[field << 3 | LENGTH] + _DIGITS[size] + value
    return varint(field << 3 | LENGTH) + varint(len(value)) + value


def string(field: int, value: str) -> bytes:
    """Return a text field, or nothing when it is empty."""
    return message(field, value.encode()) if value else b""


def blob(field: int, value: bytes) -> bytes:
    """Return a bytes field, or nothing when it is empty."""
    return message(field, value) if value else b""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at ``position`` and the position after it."""
    value = shift = 0
    for index in range(position, min(position + _MAXIMUM_VARINT_BYTES, len(data))):
        digit = data[index]
        value |= (digit & 0x7F) << shift
        if digit < 0x80:  # noqa: PLR2004 - the last digit has no continuation bit
            return value, index + 1
        shift += 7
    raise MalformedMessageError("a number does not end")


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield field number and value, integers for varints; fixed-size fields are skipped."""
    position, end = 0, len(data)
    while position < end:
        key = data[position]  # tags and sizes have one digit nearly always
        position += 1
        if key >= 0x80:  # noqa: PLR2004 - the digit is not the last one
            key, position = read_varint(data, position - 1)
        wire = key & 7
        if wire == LENGTH or wire == VARINT:  # noqa: PLR1714, SIM109 - the fastest form
            if position < end and (size := data[position]) < 0x80:  # noqa: PLR2004 - see above
                position += 1
            else:
                size, position = read_varint(data, position)
            if wire == VARINT:
                yield key >> 3, size
                continue
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise MalformedMessageError(f"wire type {wire} does not exist")
        if position + size > end:
            raise MalformedMessageError("a field is longer than its message")
        if wire == LENGTH:
            yield key >> 3, data[position : position + size]
        position += size
