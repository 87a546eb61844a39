"""DSSE envelopes: a payload, its type, and signatures over both (DSSE 1.0.0).

Rules of use: ``read`` refuses what it cannot decode and believes nothing; ``signers`` says which of the
keys that a verifier brought really signed. A ``keyid`` is a hint that anybody can write, so it decides
nothing: each signature is tried with each key. A key counts once, however often it signed. Only
payloads of ``PAYLOAD_TYPE`` are statements; the type is part of what is signed.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unibuild.verify.attestation import strict_json
from unibuild.verify.attestation.statement import PAYLOAD_TYPE, Statement, read_statement
from unibuild.verify.attestation.strict_json import refuse, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from securesystemslib.signer import Key
    from securesystemslib.signer import Signer as DsseSigner

MOST_SIGNATURES = 256
_LONGEST_SIGNATURE = 16 << 10
_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature as it was read; ``keyid`` is its signer's word for a key, or empty."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope; ``shown`` is the file's name in errors."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]
    shown: str

    def statement(self) -> Statement:
        """Return the statement in the payload; ``bad-attestation`` when it is something else."""
        if self.payload_type != PAYLOAD_TYPE:
            refuse(
                self.shown,
                f"has a payload of type {shortened(self.payload_type)}, not {PAYLOAD_TYPE}",
            )
        inside = f"the payload of {self.shown}"
        return read_statement(strict_json.parse(self.payload, inside), inside)

    def signers(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        """Return those of ``keys`` that signed this payload under this type, each once."""
        from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
        from securesystemslib.signer import Signature as Signed

        signed = self._signed()
        found = []
        for key in keys:
            for one in self.signatures:
                try:
                    key.verify_signature(Signed(key.keyid, one.sig.hex()), signed)
                except (UnverifiedSignatureError, VerificationError):
                    continue
                found.append(key)
                break
        return tuple(found)

    def signed_by(self, signer: DsseSigner) -> Envelope:
        """Return the envelope with one more signature; what the same key wrote before is replaced."""
        made = signer.sign(self._signed())
        kept = [
            one
            for one in self.signatures
            if one.keyid != made.keyid and one.sig.hex() != made.signature
        ]
        added = Signature(made.keyid, bytes.fromhex(made.signature))
        return replace(self, signatures=(*kept, added))

    def document(self) -> dict[str, Any]:
        """Return the envelope as JSON."""
        return {
            "payload": base64.b64encode(self.payload).decode("ascii"),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": one.keyid, "sig": base64.b64encode(one.sig).decode("ascii")}
                for one in self.signatures
            ],
        }

    def _signed(self) -> bytes:
        """Return what is signed: the pre-authentication encoding of type and payload."""
        from securesystemslib.dsse import Envelope as Dsse

        return Dsse(self.payload, self.payload_type, {}).pae()


def read(path: Path) -> Envelope | None:
    """Return the envelope in a file; None when the file holds a bare statement."""
    shown = str(path)
    return parse(strict_json.parse(strict_json.read_bytes(path), shown), shown)


def parse(value: object, shown: str) -> Envelope | None:
    """Return the envelope that parsed JSON holds; None when it is a bare statement."""
    if not isinstance(value, dict):
        refuse(shown, "is neither an envelope nor a statement")
    if "dsseEnvelope" in value:
        refuse(shown, "is a bundle of sigstore, which sigstore's own tools verify")
    enveloped = "payload" in value or "payloadType" in value
    if enveloped and "_type" in value:
        refuse(shown, "is an envelope and a statement at once")
    if not enveloped:
        return None
    payload, payload_type = value.get("payload"), value.get("payloadType")
    if not isinstance(payload, str) or not isinstance(payload_type, str):
        refuse(shown, "is an envelope without text as its payload and payloadType")
    return Envelope(
        _decoded(payload, shown, "payload"),
        payload_type,
        tuple(_signature(one, shown) for one in _signatures(value, shown)),
        shown,
    )


def of_statement(value: object, shown: str) -> Envelope:
    """Return an unsigned envelope around a statement, in the encoding that is signed."""
    read_statement(value, shown)
    return Envelope(strict_json.canonical(value), PAYLOAD_TYPE, (), shown)


def statement_in(value: object, shown: str) -> Statement:
    """Return the statement of a bare statement or an envelope; signatures are not looked at."""
    found = parse(value, shown)
    return read_statement(value, shown) if found is None else found.statement()


def _signatures(value: dict[str, object], shown: str) -> list[object]:
    signatures = value.get("signatures")
    if signatures is None:
        return []
    if not isinstance(signatures, list):
        refuse(shown, "has signatures that are no list")
    if len(signatures) > MOST_SIGNATURES:
        refuse(shown, f"has more than {MOST_SIGNATURES} signatures")
    return signatures


def _signature(value: object, shown: str) -> Signature:
    if not isinstance(value, dict):
        refuse(shown, "has a signature that is no object")
    keyid = value.get("keyid")
    sig = value.get("sig")
    if keyid is None:
        keyid = ""
    if not isinstance(keyid, str) or not isinstance(sig, str) or len(sig) > _LONGEST_SIGNATURE:
        refuse(shown, "has a signature without a short text as its sig and keyid")
    return Signature(keyid, _decoded(sig, shown, "sig"))


def _decoded(text: str, shown: str, name: str) -> bytes:
    """Return the bytes of standard or URL-safe base64; readers must take either."""
    try:
        return base64.b64decode(text.translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        refuse(shown, f"has a {name} that is no base64")
