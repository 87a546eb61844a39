"""Who we are to a server: headers from the settings, a token variable or a credential helper.

The helper protocol is Bazel's (EngFlow/credential-helper-spec): ``HELPER get`` reads
``{"uri": "https://HOST/…"}`` from its standard input and writes
``{"headers": {"Authorization": ["Bearer …"]}, "expires": "2030-01-01T00:00:00Z"}``. An answer is kept
until it expires, and asked for again when the server says UNAUTHENTICATED. Nothing of it is ever
written anywhere; all values are made known to the ``Redactor``.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.store.remote.redaction import Redactor, is_sensitive

if TYPE_CHECKING:
    from unibuild.store.remote.settings import Connection, Pairs

HELPER_SECONDS = 30
EARLIER = 10  # seconds before its expiry that an answer is asked for again
DEFAULT_LIFE = 300  # seconds that an answer without expiry is kept

_RESERVED = ("grpc-", ":", "content-type", "te", "user-agent")


class Credentials:
    """The headers that go with every call of one connection."""

    def __init__(self, connection: Connection, redactor: Redactor) -> None:
        """Read headers and token variable; an unset variable is a ``UserError``."""
        self._connection = connection
        self._redactor = redactor
        self._fixed = _fixed_headers(connection, redactor)
        self._headers: Pairs = ()
        self._expires = 0.0
        self._generation = 0
        self._asking = asyncio.Lock()

    @property
    def generation(self) -> int:
        """Counts the helper's answers: tells whether a refused header is still the current one."""
        return self._generation

    @property
    def can_refresh(self) -> bool:
        """Whether asking again could give other headers."""
        return bool(self._connection.credential_helper)

    async def headers(self) -> Pairs:
        """Return the headers of a call, asking the helper when its last answer has expired."""
        if self._connection.credential_helper and time.monotonic() >= self._expires:
            await self.refresh(self._generation)
        return self._fixed + self._headers

    async def refresh(self, generation: int) -> None:
        """Ask the helper again, unless that was done since ``generation``."""
        async with self._asking:
            if generation != self._generation or not self.can_refresh:
                return
            answer = await self._ask()
            self._headers, self._expires = _decode_answer(answer, self._connection)
            for _name, value in self._headers:
                self._redactor.add(value)
            self._generation += 1

    async def _ask(self) -> bytes:
        helper = self._connection.credential_helper
        question = json.dumps({"uri": _helper_uri(self._connection.url)}).encode()
        try:
            process = await asyncio.create_subprocess_exec(
                helper,
                "get",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise _helper_error(self._connection, f"cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(HELPER_SECONDS):
                answer, _ = await process.communicate(question)
        except TimeoutError:
            raise _helper_error(
                self._connection, f"gave no answer within {HELPER_SECONDS} s"
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise _helper_error(self._connection, f"ended with status {process.returncode}")
        return answer


def _fixed_headers(connection: Connection, redactor: Redactor) -> Pairs:
    headers = []
    for name, value in connection.headers:
        if is_sensitive(name, value):
            redactor.add(value)
        headers.append(_checked(connection, name, value))
    variable = connection.token_variable
    if variable:
        token = os.environ.get(variable, "").strip()
        if not token:
            raise UserError(
                id="remote-token-missing",
                cause=f"the environment variable {variable} holds no token",
                hint=f"set {variable}, or change token_variable in [{connection.setting}]",
                setting=f"{connection.setting}.token_variable",
            )
        redactor.add(token)
        headers.append(_checked(connection, "authorization", f"Bearer {token}"))
    return tuple(headers)


def _checked(connection: Connection, name: str, value: str) -> tuple[str, str]:
    """Return a header as gRPC takes it: a lower-case name, a value of printable ASCII."""
    lowered = name.lower()
    plain = value.isascii() and value.isprintable()
    known = bool(lowered) and all(c.isascii() and (c.isalnum() or c in "-_.") for c in lowered)
    if not plain or not known or lowered.startswith(_RESERVED[:2]) or lowered in _RESERVED[2:]:
        raise UserError(
            id="remote-header",
            cause=f"the header {name!r} cannot be sent",
            hint=f"headers in [{connection.setting}] have ASCII names and printable ASCII values",
            setting=f"{connection.setting}.headers",
        )
    return lowered, value


def _helper_uri(url: str) -> str:
    """Return the URI that a helper is asked about: Bazel writes ``https`` for ``grpcs``."""
    scheme, _, rest = url.partition("://")
    return {"grpcs": "https", "grpc": "http"}.get(scheme, scheme) + f"://{rest}"


def _decode_answer(answer: bytes, connection: Connection) -> tuple[Pairs, float]:
    """Return headers, and when on the monotonic clock they expire."""
    try:
        said = json.loads(answer)
        headers = tuple(
            _checked(connection, name, value)
            for name, values in dict(said.get("headers") or {}).items()
            for value in list(values)
        )
        life: float = DEFAULT_LIFE
        if said.get("expires"):
            until = datetime.fromisoformat(str(said["expires"]))
            until = until if until.tzinfo else until.replace(tzinfo=UTC)
            life = (until - datetime.now(UTC)).total_seconds() - EARLIER
    except (ValueError, TypeError, AttributeError):
        # The cause is left out on purpose: it would quote the answer, which is a secret.
        raise _helper_error(connection, "gave an answer that is not of the protocol") from None
    return headers, time.monotonic() + max(life, 0.0)


def _helper_error(connection: Connection, what: str) -> UserError:
    return UserError(
        id="remote-credential-helper",
        cause=f"the credential helper {connection.credential_helper} {what}",
        hint=f"try `echo '{{\"uri\": …}}' | {connection.credential_helper} get`, "
        f"or change credential_helper in [{connection.setting}]",
        setting=f"{connection.setting}.credential_helper",
    )
