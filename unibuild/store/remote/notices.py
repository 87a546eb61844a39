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

_PASSING = {
    "UNAVAILABLE": ("cannot be reached", "check url there"),
    "DEADLINE_EXCEEDED": ("does not answer in time", "timeout there says how long a call may take"),
    "RESOURCE_EXHAUSTED": ("is full or overloaded", "give it more room, or lower its use"),
    "UNAUTHENTICATED": (
        "does not accept who we are",
        "check token_variable, credential_helper, certificate and key there",
    ),
    "UNIMPLEMENTED": ("is no server of the Remote Execution API", "check url there"),
}
_AT_FIRST = {
    "INVALID_ARGUMENT": ("does not know this instance", "check instance there"),
    "NOT_FOUND": ("does not know this instance", "check instance there"),
}
_INSTEAD = {
    READ: "the build goes on without it",
    CONNECT: "the build goes on without it",
    WRITE: "nothing more is uploaded",
    EXECUTE: "actions run here",
}


class Notices:
    """Sends each kind of trouble once."""

    def __init__(self, send: Callable[[Noted | Refused], None], *, required: bool) -> None:
        """Send through ``send``; ``required`` makes refusals of them."""
        self._send = send
        self._required = required
        self._said: set[str] = set()

    def failed(self, error: RemoteCallError, connection: Connection, doing: str) -> None:
        """Tell that a call failed while ``doing`` one of READ, WRITE, EXECUTE, CONNECT."""
        what, hint = _explain(error, doing)
        where = f"the server of [{connection.setting}], {connection.url},"
        detail = f" ({error.method}: {error.code}{f': {error.detail}' if error.detail else ''})"
        key = error.code if doing == CONNECT else f"{error.code} {doing}"
        setting = f"{connection.setting}.{hint.split()[1]}" if hint.startswith("check ") else ""
        self.trouble(
            key,
            f"{where} {what}{detail}",
            f"{hint} or use --remote=off".replace("there", f"in [{connection.setting}]"),
            _INSTEAD[doing],
            setting,
        )

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
            self._send(Noted(f"{cause}; {instead}" + (f"; {hint}" if hint else "")))

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

    def refuse(self, error: UnibuildError, setting: str = "") -> None:
        """End the build: a setting cannot work."""
        if error.id in self._said:
            return
        self._said.add(error.id)
        self._send(Refused(type(error).__name__, error.id, error.cause, error.hint, setting))


def _explain(error: RemoteCallError, doing: str) -> tuple[str, str]:
    detail = error.detail.lower()
    if "ssl" in detail or "tls" in detail or "certificate" in detail:
        return "cannot be reached safely", "check ca, certificate and the scheme of url there"
    if error.code == "PERMISSION_DENIED":
        if doing == WRITE:
            return "does not let us write", "set upload = false there, use a token that may write"
        return "does not let us in", "check token_variable and credential_helper there"
    if doing == CONNECT and error.code in _AT_FIRST:
        return _AT_FIRST[error.code]
    return _PASSING.get(error.code, ("gives wrong answers", "look into its log"))
