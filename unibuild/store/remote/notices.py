"""What a courier tells a person: each kind of trouble once a build, with the setting to change.

A help that fails is no reason to fail a build: trouble is ``Noted``. Where the remote side is
required it is ``Refused``, and so is in any case a setting that cannot work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.store.remote.requests import Noted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.model.errors import UnibuildError
    from unibuild.store.remote.services import RemoteCallError
    from unibuild.store.remote.settings import Connection

READ, WRITE, EXECUTE, CONNECT = "read", "write", "execute", "connect"

_EXPLAINED = {
    "UNAVAILABLE": ("cannot be reached", "url"),
    "DEADLINE_EXCEEDED": ("does not answer in time", "timeout"),
    "RESOURCE_EXHAUSTED": ("is full or overloaded", "upload"),
    "UNAUTHENTICATED": ("does not accept who we are", "token_variable"),
    "UNIMPLEMENTED": ("cannot do what is asked", "url"),
}
_NO_WRITER = ("PERMISSION_DENIED", "UNAUTHENTICATED")
_INSTEAD = {
    READ: "the build goes on without it",
    CONNECT: "the build goes on without it",
    WRITE: "what it does not take is not shared",
    EXECUTE: "what it does not run is run here",
}
_PERSONAL = frozenset(
    {
        "remote-certificate",
        "remote-client-certificate",
        "remote-permission",
        "remote-credential-helper",
        "remote-token-missing",
        "remote-unauthenticated",
    }
)
"""Mistakes that are those of one person or one moment: no reason to end a build."""


class Notices:
    """Sends each kind of trouble once; of the faults of one server, the first."""

    def __init__(self, send: Callable[[Noted | Refused], None], *, required: bool) -> None:
        """Send through ``send``; ``required`` makes refusals of them."""
        self._send = send
        self._required = required
        self._said: set[str] = set()

    def failed(self, error: RemoteCallError, connection: Connection, doing: str) -> None:
        """Tell that a call failed while ``doing`` one of READ, WRITE, EXECUTE, CONNECT."""
        what, key = _explain(error, doing)
        detail = f": {error.detail}" if error.detail else ""
        cause = f"{connection.url} {what} ({error.method}: {error.code}{detail})"
        if doing == CONNECT and connection.url in error.detail:
            cause = error.detail  # of a diagnosis
        option = "on" if self._required else "off"
        hint = f"see {key} in [{connection.setting}], or use --remote={option}"
        if doing == WRITE and error.code in _NO_WRITER:
            hint = f"set upload = false in [{connection.setting}], or use a token that may write"
        setting = f"{connection.setting}.{key}"
        self.trouble(connection.url, cause, hint, _INSTEAD[doing], setting)

    def trouble(
        self, kind: str, cause: str, hint: str, instead: str = _INSTEAD[READ], setting: str = ""
    ) -> None:
        """Tell of trouble of ``kind``, unless that was told before."""
        if kind in self._said:
            return
        self._said.add(kind)
        if self._required:
            self._send(Refused("HostError", "remote-required", cause, hint, setting))
        else:
            self._send(Noted(f"{cause}; {instead}" + (f" ({hint})" if hint else "")))

    def misused(self, error: UnibuildError, connection: Connection) -> None:
        """Tell that the server cannot be used as it is set."""
        if error.id in _PERSONAL:
            setting = connection.setting
            self.trouble(connection.url, error.cause, error.hint, _INSTEAD[CONNECT], setting)
        else:
            self.refuse(error, connection.setting)

    def refuse(self, error: UnibuildError, setting: str) -> None:
        """End the build: a setting cannot work."""
        if error.id not in self._said:
            self._said.add(error.id)
            setting = error.setting or setting
            self._send(Refused(type(error).__name__, error.id, error.cause, error.hint, setting))

    def wrong_bytes(self, text: str) -> None:
        """Tell that a server gave bytes that are not those of their digest."""
        self.trouble("wrong bytes", text, "", "what it should have held is made again")

    def local(self, text: str) -> None:
        """Tell of something about the local cache."""
        self._send(Noted(text))

    def unwritten(self, error: OSError) -> None:
        """Tell that what came cannot be stored here."""
        cause = f"the local cache cannot be written: {error.strerror}"
        self.trouble("local cache", cause, "make room on its disk", "it is done without")


def _explain(error: RemoteCallError, doing: str) -> tuple[str, str]:
    """Return what the server does wrong, and the setting that may be wrong."""
    if doing == WRITE and error.code in _NO_WRITER:
        return "does not let us write", "upload"
    if error.code == "PERMISSION_DENIED":
        return "does not let us in", "token_variable"
    return _EXPLAINED.get(error.code, ("gives wrong answers", "url"))
