"""What a build asks of its courier and what comes back: plain tuples that ``marshal`` can carry.

Every request that has a ``token`` is answered by exactly one reply with that token, whatever
happens; a server's faults arrive as misses, with at most one ``Noted`` a build that says so.
"""

from __future__ import annotations

from typing import NamedTuple

from unibuild.store.digests import Digest


class Lookup(NamedTuple):
    """Ask for the result of an action; answered by ``Found``."""

    token: int
    action: Digest


class Blob(NamedTuple):
    """One thing to bring into the local cache: a file in one mode, or a directory by its Tree.

    A tree whose root ``Directory`` has another digest than ``root``, where that is given, is missing.
    """

    digest: Digest
    executable: bool = False
    tree: bool = False
    root: Digest | None = None


class Fetch(NamedTuple):
    """Ask for blobs to be brought into the local cache; answered by ``Fetched``."""

    token: int
    blobs: tuple[Blob, ...]


class Publish(NamedTuple):
    """Upload a result in the background: its outputs, its Command and Action, then the result.

    ``result`` is an encoded ``ActionResult``; its outputs are in the local cache. ``history`` is the
    hash by which ``explain`` finds the last result of this step again, "" for none. ``own`` results
    are signed; what others made is passed on unsigned, and only where there is no result yet. Not
    answered; the courier's ``finish`` waits for it.
    """

    action: bytes
    command: bytes
    result: bytes
    history: str = ""
    directories: tuple[bytes, ...] = ()
    own: bool = True


class Input(NamedTuple):
    """One input of an action to execute: a file, or a directory (``tree`` is its Tree's digest).

    ``digest`` is that of the file or of the root ``Directory``.
    """

    digest: Digest
    tree: Digest | None = None


class Execute(NamedTuple):
    """Run an action on the remote engine; answered by ``Executed``.

    ``directories`` are the encoded ``Directory`` messages of the input root, those of tree inputs left
    out. Inputs are uploaded from the local cache when the server lacks them. ``again`` asks for a run
    even if the engine has a result: that one turned out to be no good. ``history`` is as in ``Publish``.
    """

    token: int
    action: bytes
    command: bytes
    directories: tuple[bytes, ...]
    inputs: tuple[Input, ...]
    timeout: int = 0
    again: bool = False
    history: str = ""


class FetchAsset(NamedTuple):
    """Ask for an external file by its package URL and digest; answered by ``Fetched``."""

    token: int
    purl: str
    digest: Digest


class PushAsset(NamedTuple):
    """Keep an external file, which is in the local cache, for the team. Not answered."""

    purl: str
    digest: Digest


class FindHistory(NamedTuple):
    """Ask for the last action published under ``history``; answered by ``History``.

    Directories at the paths ``trees`` are not looked into. ``other_than``, the hash of an Action, is
    not wanted when there is one before it: what asks may have published that one itself.
    """

    token: int
    history: str
    trees: tuple[str, ...] = ()
    other_than: str = ""


class Cancel(NamedTuple):
    """Give an execution up; its ``Executed`` still comes."""

    token: int


class Found(NamedTuple):
    """The encoded ``ActionResult`` of a ``Lookup``, or None; ``signer`` is who signed it, or ""."""

    token: int
    result: bytes | None
    signer: str = ""


class Fetched(NamedTuple):
    """The answer to ``Fetch`` and ``FetchAsset``: what could not be had."""

    token: int
    missing: tuple[Digest, ...]


class Executed(NamedTuple):
    """How an execution ended: an encoded ``ActionResult`` (of any exit code), or why there is none.

    ``missing`` names inputs that neither the server nor the local cache has. A result is given only
    when it came from the engine; whether it keeps the action's declaration is the caller's to judge.
    """

    token: int
    result: bytes | None
    why: str = ""
    missing: tuple[Digest, ...] = ()
    timed_out: bool = False


class History(NamedTuple):
    """The encoded Action and Command last published, the Directory messages below it, the signer."""

    token: int
    action: bytes | None
    command: bytes = b""
    directories: tuple[bytes, ...] = ()
    signer: str = ""


class Noted(NamedTuple):
    """Something a person should know, once."""

    text: str


class Refused(NamedTuple):
    """The remote side cannot be used as configured, or is required and failed: the build must end.

    ``kind`` names the class of ``unibuild.model.errors``.
    """

    kind: str
    id: str
    cause: str
    hint: str
    setting: str = ""


class Statistics(NamedTuple):
    """Totals of one courier; bytes are those of content, ``wire_*`` those that crossed the wire."""

    hits: int = 0
    misses: int = 0
    downloaded: int = 0
    downloaded_bytes: int = 0
    uploaded: int = 0
    uploaded_bytes: int = 0
    wire_received: int = 0
    wire_sent: int = 0
    published: int = 0
    executed: int = 0
    pending: int = 0


Request = Lookup | Fetch | Publish | Execute | FetchAsset | PushAsset | FindHistory | Cancel
Reply = Found | Fetched | Executed | History | Noted | Refused | Statistics
