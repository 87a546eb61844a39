"""Who made a result: an Ed25519 signature that travels with it.

What is signed is the sentence "unibuild result v1", the digest function's name, the Action's digest
and the canonical bytes of the ``ActionResult`` without its metadata, so that a signature fits no
other action, function or outcome. It is carried as one ``google.protobuf.Any`` in
``ActionResult.execution_metadata.auxiliary_metadata``, which servers keep as it is:

    message ResultSignature {   // unibuild.v1
      bytes public_key = 1;     // 32 bytes
      bytes signature = 2;      // 64 bytes, RFC 8032 section 5.1
    }

Rules of use: ``result`` is always ``encode_action_result`` of what will be used, so that nothing
unsigned can slip through a field that only some decoders read. ``verify`` says who signed, not
whether that key is believed: the caller compares. A private key is PKCS8 PEM with mode 0600; one
that exists is never written to.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import stat
import tempfile
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.store.protobuf import MalformedMessageError, blob, fields, string

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from unibuild.store.digests import Digest

TYPE_URL = "type.googleapis.com/unibuild.v1.ResultSignature"
KEY_PREFIX = "ed25519:"
KEY_BYTES = 32
_SENTENCE = b"unibuild result v1\0"
_MAKE_KEY = "unibuild cache key"
_SETTING = "cache.remote.signing_key"


def default_key_path(environment: Mapping[str, str] = os.environ) -> str:
    """Return where a user's own private key is: below ``XDG_CONFIG_HOME`` or ``~/.config``."""
    base = environment.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # a relative one is to be ignored (XDG base directories)
        base = os.path.join(environment.get("HOME") or os.path.expanduser("~"), ".config")
    return f"{base}/unibuild/signing-key.pem"


class Signer:
    """A private key that signs results; ``public`` is its public form ``ed25519:BASE64``."""

    __slots__ = ("_key", "_raw", "public")

    def __init__(self, path: str = "", *, create: bool = False) -> None:
        """Read the key at ``path``, or the user's own (""), which is made if there is none.

        ``create`` makes a named one too. Raises ``UserError`` when it cannot be read or made.
        """
        own = path or default_key_path()
        self._key = _load(own) if os.path.exists(own) else _made(own, make=create or not path)
        self._raw = self._key.public_key().public_bytes_raw()
        self.public = public_text(self._raw)

    def sign(self, function: str, action: Digest, result: bytes) -> bytes:
        """Return the encoded ``Any`` for an encoded result of an action."""
        signature = self._key.sign(_statement(function, action, result))
        return string(1, TYPE_URL) + blob(2, blob(1, self._raw) + blob(2, signature))


def verify(function: str, action: Digest, result: bytes, carried: bytes) -> str:
    """Return the public form of the key that signed, or "" when ``carried`` is no valid signature.

    ``carried`` is an encoded ``Any`` of any type, from anybody.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw, signature = _parse(carried)
    try:
        key = Ed25519PublicKey.from_public_bytes(raw)
        key.verify(signature, _statement(function, action, result))
    except (InvalidSignature, ValueError):
        return ""
    return public_text(raw)


def signed_by(
    function: str,
    action: Digest,
    result: bytes,
    carried: Iterable[bytes],
    demanded: Iterable[str],
) -> str:
    """Return the first of the ``demanded`` keys that signed, or "" for none of them.

    Only signatures that claim to be of a demanded key are computed.
    """
    keys = frozenset(demanded)
    for data in carried:
        if public_text(_parse(data)[0]) in keys:
            signer = verify(function, action, result, data)
            if signer:
                return signer
    return ""


def check_public_key(text: str, setting: str) -> None:
    """Raise ``UserError`` unless ``text`` is ``ed25519:`` and 32 bytes in base64."""
    try:
        raw = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES or public_text(raw) != text:
        raise UserError(
            id="bad-public-key",
            cause=f"{setting} holds {text!r}, which is no public key",
            hint=f'write "{KEY_PREFIX}" and 44 characters of base64, as `{_MAKE_KEY}` prints them',
        )


def public_text(raw: bytes) -> str:
    """Return the public form of the 32 bytes of a public key."""
    return KEY_PREFIX + base64.b64encode(raw).decode("ascii")


def _statement(function: str, action: Digest, result: bytes) -> bytes:
    return b"%b%b\0%b/%d\0%b" % (
        _SENTENCE,
        function.encode(),
        action[0].encode(),
        action[1],
        result,
    )


def _parse(carried: bytes) -> tuple[bytes, bytes]:
    """Return the public key and the signature of an ``Any``, empty when it holds none."""
    try:
        outer = dict(fields(carried))
        value = outer.get(2, b"")
        if outer.get(1) != TYPE_URL.encode() or not isinstance(value, bytes):
            return b"", b""
        inner = dict(fields(value))
    except MalformedMessageError:
        return b"", b""
    raw, signature = inner.get(1, b""), inner.get(2, b"")
    if isinstance(raw, bytes) and isinstance(signature, bytes):
        return raw, signature
    return b"", b""


def _load(path: str) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(1 << 16)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    # As OpenSSH has it: what others own (a mounted secret) has whatever mode they gave it.
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
        raise UserError(
            id="signing-key-exposed",
            cause=f"the signing key {path} is accessible to other users",
            hint=f"run `chmod 600 {path}`; if others may have read it, make a new one",
            setting=_SETTING,
        )
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(path, "it is no private key in PEM form without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(path, "it is a key of another kind than Ed25519")
    return key


def _made(path: str, *, make: bool) -> Ed25519PrivateKey:
    """Make a key, or read the one that another process made in the meantime."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    if not make:
        raise _unreadable(path, "there is no such file")
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if not _written(path, text):
            return _load(path)
    except OSError as error:
        raise UserError(
            id="signing-key-unwritable",
            cause=f"the signing key {path} cannot be made: {error.strerror or error}",
            hint="name one that exists as signing_key in [cache.remote], or set upload = false",
            setting=_SETTING,
        ) from error
    return key


def _written(path: str, text: bytes) -> bool:
    """Write a new file whole or not at all; tell whether there was none already."""
    descriptor, aside = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".signing-key-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # unlike a rename, never replaces
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)
    return True


def _unreadable(path: str, why: str) -> UserError:
    return UserError(
        id="signing-key-unreadable",
        cause=f"the signing key {path} cannot be used: {why}",
        hint=f"`{_MAKE_KEY}` makes one; signing_key in [cache.remote] names it",
        setting=_SETTING,
    )
