r"""The console protocol between an image and whoever runs it.

The console carries the program's output as it is. A line that begins with the byte 0x1e (record
separator) is a message of the kernel, not of the program, and is not shown:

    \x1e[unibuild] identity LABEL DIGEST  which image this is, before its program starts
    \x1e[unibuild] exit STATUS            the program ended; the last line of all
    \x1e[unibuild] fault TEXT             the image is broken: an exception, a panic
    \x1e[unibuild] frame HEXADDRESS       one return address of the backtrace, innermost first

Images whose program was made for Linux also say, addresses in hexadecimal:

    \x1e[unibuild] object START END BIAS PATH      a file that is mapped, the program's own first;
                                                  BIAS was added to its addresses
    \x1e[unibuild] program-frame ADDRESS           the program's own backtrace: where it was, then
                                                  return addresses
    \x1e[unibuild] missing-call NAME NUMBER caller ADDRESS  a system call that the image lacks, at
                                                  its first use

A message that this version does not know is passed on as text. Output reaches the reader as soon
as it arrives; only a message is held back until its end of line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SEPARATOR = b"\x1e"
_PREFIX = b"\x1e[unibuild] "
_LONGEST_MESSAGE = 4096
_IDENTITY = re.compile(r"\S+ sha256:[0-9a-f]{64}")
_ADDRESS = re.compile(r"[0-9a-f]{1,16}")
_MAPPED_FILE = re.compile(r"([0-9a-f]{1,16}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16}) (.+)")
_MISSING_CALL = re.compile(r"(\w+) (\d{1,10}) caller ([0-9a-f]{1,16})")


@dataclass(frozen=True, slots=True)
class Text:
    """Output of the program."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """Which image this is: its label, and its identity digest as ``sha256:HEX``.

    Only the first one of a boot is the kernel's for certain: a program may write what it likes.
    """

    label: str
    digest: str


@dataclass(frozen=True, slots=True)
class Exit:
    """The program's exit status, 0 to 255."""

    status: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What broke, in the kernel's words."""

    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One return address of the backtrace; ``program`` says in whose addresses."""

    address: int
    program: bool = False


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file of the root file system whose code runs at the addresses ``start`` to ``end``."""

    start: int
    end: int
    bias: int
    path: str


@dataclass(frozen=True, slots=True)
class MissingCall:
    """A system call that the program made and the image lacks; ``caller`` is where it returns."""

    name: str
    number: int
    caller: int


Event = Text | Identity | Exit | Fault | Frame | MappedFile | MissingCall


class ConsoleParser:
    """Turns chunks of console output into events."""

    def __init__(self) -> None:
        """Start at the beginning of a console."""
        self._held = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that ``chunk`` completes."""
        data = self._held + chunk
        self._held = b""
        events: list[Event] = []
        while data:
            start = data.find(SEPARATOR)
            if start != 0:
                end = len(data) if start < 0 else start
                events.append(Text(data[:end]))
                data = data[end:]
                continue
            length = _message_length(data)
            if length is None:
                self._held = data
                break
            events.append(_message(data[:length]))
            data = data[length:]
        return events

    def end(self) -> list[Event]:
        """Return what is left when the console closes."""
        held, self._held = self._held, b""
        return [_message(held)] if held else []


def _message_length(data: bytes) -> int | None:
    """Return how long the message is that ``data`` begins with; None when more has to come.

    A program may write the separator itself: what is no message, or is cut off by the next, must
    not take the kernel's last words with it.
    """
    if not data.startswith(_PREFIX[: len(data)]):
        return 1
    end = data.find(b"\n") + 1
    other = data.find(SEPARATOR, 1)
    if other > 0 and (not end or other < end):
        return other
    return end or (len(data) if len(data) >= _LONGEST_MESSAGE else None)


def _message(line: bytes) -> Event:
    if not line.startswith(_PREFIX):
        return Text(line)
    kind, _, rest = line[len(_PREFIX) :].decode("utf-8", "replace").strip().partition(" ")
    try:
        match kind:
            case "identity" if _IDENTITY.fullmatch(rest):
                label, _, digest = rest.rpartition(" ")
                return Identity(label, digest)
            case "exit":
                return Exit(int(rest) & 0xFF)
            case "fault":
                return Fault(rest)
            case "frame":
                return Frame(int(rest, 16))
    except ValueError:
        pass
    return _program_message(kind, rest) or Text(line)


def _program_message(kind: str, rest: str) -> Event | None:
    match kind:
        case "program-frame" if found := _ADDRESS.fullmatch(rest):
            return Frame(int(found[0], 16), program=True)
        case "object" if found := _MAPPED_FILE.fullmatch(rest):
            start, end, bias = (int(text, 16) for text in found.groups()[:3])
            return MappedFile(start, end, bias, found[4])
        case "missing-call" if found := _MISSING_CALL.fullmatch(rest):
            return MissingCall(found[1], int(found[2]), int(found[3], 16))
    return None
