"""Keys: private ones that sign statements, public ones that a verifier names.

A private key is Ed25519 in PKCS8 PEM: from a file that nobody else can read, from an environment
variable (for CI, whose secrets arrive so), or the one that ``unibuild cache key`` made. A public key is
``ed25519:BASE64`` or a PEM file; ECDSA keys (as other tools make them) can be verified too. A key's id is
securesystemslib's: the SHA-256 of its canonical description.

Private keys are read here and nowhere below; what a build's actions see is composed of the action graph
alone, so none of this can reach them.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild.model.errors import UserError
from unibuild.store.remote.signatures import KEY_BYTES, KEY_PREFIX, default_key_path, public_text
from unibuild.verify.attestation import strict_json
from unibuild.verify.attestation.strict_json import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import CryptoSigner, SSlibKey

LARGEST_KEY = 64 << 10
_MAKE_KEY = "unibuild cache key"
_EXPOSED = 0o077


def signer_of_file(path: Path) -> CryptoSigner:
    """Return what signs with the key in a PEM file; other users must not be able to read that."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(str(path), (error.strerror or "it is no file").lower()) from error
    # As OpenSSH has it: what others own (a mounted secret) has whatever mode they gave it.
    if found.st_uid == os.geteuid() and found.st_mode & _EXPOSED:
        raise UserError(
            id="signing-key-exposed",
            cause=f"the signing key {path} is accessible to other users",
            hint=f"run `chmod 600 {path}`; if others may have read it, make a new one",
        )
    return _signer(_bytes(path), str(path))


def signer_of_variable(name: str, environment: Mapping[str, str] = os.environ) -> CryptoSigner:
    """Return what signs with the PEM text in the environment variable ``name``."""
    text = environment.get(name, "")
    if not text.strip():
        raise _unreadable(f"${name}", "the variable is not set")
    return _signer(text.replace("\\n", "\n").encode(errors="surrogateescape"), f"${name}")


def own_signer(environment: Mapping[str, str] = os.environ, configured: str = "") -> CryptoSigner:
    """Return what signs with the key of ``unibuild cache key``, which must have been made.

    ``configured`` is the path of a workspace's ``signing_key``; empty stands for the user's own.
    """
    path = Path(configured or default_key_path(environment))
    if not path.exists():
        raise UserError(
            id="signing-key-unreadable",
            cause=f"there is no signing key {path}",
            hint=f"make it with `{_MAKE_KEY}`, or name another: --key FILE, --key-variable NAME",
        )
    return signer_of_file(path)


def public_of_text(text: str) -> SSlibKey:
    """Return the public key that ``ed25519:BASE64`` writes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES or public_text(raw) != text:
        raise UserError(
            id="bad-public-key",
            cause=f"{shortened(text)} is no public key",
            hint=f'write "{KEY_PREFIX}" and 44 characters of base64, as `{_MAKE_KEY}` prints them',
        )
    return _described(Ed25519PublicKey.from_public_bytes(raw), shortened(text))


def public_of_pem(data: bytes, shown: str) -> SSlibKey:
    """Return the public key in PEM text; a private one is refused, since it should not be there."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in data:
        raise _bad_public(shown, "holds a private key where a public one is wanted")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _bad_public(shown, "is no public key in PEM form") from error
    return _described(key, shown)


def public_pem(data: bytes) -> bool:
    """Tell whether a file looks like PEM rather than a trust file."""
    return data.lstrip().startswith(b"-----BEGIN")


def name_of(key: SSlibKey) -> str:
    """Return how messages name a public key: ``ed25519:BASE64``, or for other kinds its id."""
    raw = _raw(key)
    return public_text(raw) if raw else f"{key.keytype}:{key.keyid[:16]}"


def _raw(key: SSlibKey) -> bytes:
    if key.keytype != "ed25519":
        return b""
    try:
        return bytes.fromhex(key.keyval["public"])
    except ValueError:
        return b""


def _described(key: Any, shown: str) -> SSlibKey:  # noqa: ANN401 - any of cryptography's public keys
    from securesystemslib.signer import SSlibKey

    try:
        described = SSlibKey.from_crypto(key)
    except ValueError as error:
        raise _bad_public(shown, "is a key of a kind that is not supported") from error
    if described.keytype not in {"ed25519", "ecdsa"}:
        raise _bad_public(shown, f"is a key of the kind {described.keytype}")
    return described


def _signer(data: bytes, shown: str) -> CryptoSigner:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: a parser's words could repeat what it read.
        raise _unreadable(shown, "it is no private key in PEM form without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(shown, "it is a key of another kind than Ed25519")
    return CryptoSigner(key)


def _bytes(path: Path) -> bytes:
    return strict_json.read_bytes(path, LARGEST_KEY)


def _unreadable(shown: str, why: str) -> UserError:
    return UserError(
        id="signing-key-unreadable",
        cause=f"the signing key {shown} cannot be used: {why}",
        hint=f"`{_MAKE_KEY}` makes one; --key FILE and --key-variable NAME take another",
    )


def _bad_public(shown: str, why: str) -> UserError:
    return UserError(
        id="bad-public-key",
        cause=f"{shown} {why}",
        hint="an Ed25519 or ECDSA public key in PEM form, or ed25519:BASE64, is wanted",
    )
