from __future__ import annotations

import pytest

from unibuild.elf.archive import MAGIC, MalformedArchiveError, members


def member(name: bytes, content: bytes) -> bytes:
    size = str(len(content)).encode()
    header = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"644".ljust(8) + size.ljust(10)
    return header + b"`\n" + content + b"\n" * (len(content) % 2)


def test_members_without_index_and_name_table() -> None:
    archive = (
        MAGIC
        + member(b"/", b"index")
        + member(b"//", b"a_name_of_many_letters.o/\n")
        + member(b"short.o/", b"one")
        + member(b"/0", b"two2")
    )
    assert list(members(archive)) == [("short.o", b"one"), ("a_name_of_many_letters.o", b"two2")]


@pytest.mark.parametrize(
    "data", [b"", b"!<thin>\n", MAGIC + b"x" * 60, MAGIC + member(b"a/", b"abcd")[:-2]]
)
def test_damaged_archives_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedArchiveError):
        list(members(data))
