from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.machine.console import (
    ConsoleParser,
    Event,
    Exit,
    Fault,
    Frame,
    Identity,
    MappedFile,
    MissingCall,
    Text,
)


def parse(*chunks: bytes) -> list[Event]:
    parser = ConsoleParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.end()


def text_of(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Text))


def test_output_passes_as_it_is() -> None:
    assert parse(b"Hello\n", b"wor") == [Text(b"Hello\n"), Text(b"wor")]


def test_exit_line_is_not_shown() -> None:
    assert parse(b"bye\n\x1e[unibuild] exit 3\n") == [Text(b"bye\n"), Exit(3)]


def test_exit_line_may_follow_an_unfinished_line_and_carriage_returns() -> None:
    assert parse(b"no newline\x1e[unibuild] exit 0\r\n") == [Text(b"no newline"), Exit(0)]


def test_status_is_one_byte() -> None:
    assert parse(b"\x1e[unibuild] exit 256\n\x1e[unibuild] exit -1\n") == [Exit(0), Exit(255)]


def test_fault_and_frames() -> None:
    assert parse(
        b"\x1e[unibuild] fault page fault rip=100234\n\x1e[unibuild] frame 1002a0\n"
        b"\x1e[unibuild] frame 0x1002ff\n"
    ) == [Fault("page fault rip=100234"), Frame(0x1002A0), Frame(0x1002FF)]


def test_separators_of_the_program_hide_no_message() -> None:
    events = parse(b"\x1e\x00\x1e[unib\x1e[unibuild] frame \x1e", b"[unibuild] exit 3\n", b"\x1e")
    assert Exit(3) in events
    assert text_of(events) == b"\x1e\x00\x1e[unib\x1e[unibuild] frame \x1e"


def test_what_a_linux_program_adds() -> None:
    assert parse(
        b"\x1e[unibuild] object 400000 402000 0 /bin/a b\n"
        b"\x1e[unibuild] missing-call fork 57 caller 40123a\n"
        b"\x1e[unibuild] program-frame 401000\n"
    ) == [
        MappedFile(0x400000, 0x402000, 0, "/bin/a b"),
        MissingCall("fork", 57, 0x40123A),
        Frame(0x401000, program=True),
    ]


def test_identity_is_an_event_and_not_shown() -> None:
    line = b"\x1e[unibuild] identity //hello:image sha256:" + b"0f" * 32 + b"\r\n"
    assert parse(b"firmware\n" + line + b"Hello\n") == [
        Text(b"firmware\n"),
        Identity("//hello:image", "sha256:" + "0f" * 32),
        Text(b"Hello\n"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"\x1eplain\n",
        b"\x1e[unibuild] news\n",
        b"\x1e[unibuild] program-frame x\n",
        b"\x1e[unibuild] object 400000 402000 /bin/a\n",
        b"\x1e[unibuild] missing-call fork caller 40123a\n",
        b"\x1e[unibuild] exit now\n",
        b"\x1e[unibuild] identity //hello:image sha256:0f\n",
        b"\x1e[unibuild] identity sha256:" + b"0f" * 32 + b"\n",
        b"\x1e",
    ],
)
def test_what_is_no_message_is_text(line: bytes) -> None:
    assert text_of(parse(line)) == line


def test_a_message_without_end_is_not_held_for_ever() -> None:
    parser = ConsoleParser()
    assert text_of(parser.feed(b"\x1e" + b"x" * 5000)) == b"\x1e" + b"x" * 5000


@given(
    st.lists(st.sampled_from([b"\x1e[unibuild] ", b"exit 4", b"\n", b"a", b"\x1e", b"frame 1f"]))
)
def test_chunks_do_not_matter(parts: list[bytes]) -> None:
    whole = parse(b"".join(parts))
    byte_by_byte = parse(*(bytes([byte]) for part in parts for byte in part))
    assert text_of(whole) == text_of(byte_by_byte)
    assert [e for e in whole if not isinstance(e, Text)] == [
        e for e in byte_by_byte if not isinstance(e, Text)
    ]
