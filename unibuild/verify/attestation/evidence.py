"""The provenances of one verification, and which trusted keys really signed each.

``gather`` finds and reads them; ``weigh`` says for one of them whose signatures count, and why others
do not. A bare statement counts as signed by nobody. Nothing here decides whether that is enough.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.model.errors import DifferenceError, UserError
from unibuild.verify.attestation import envelope, strict_json
from unibuild.verify.attestation.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unibuild.verify.attestation.envelope import Envelope
    from unibuild.verify.attestation.trust import Trust, TrustedKey
    from unibuild.verify.workbench import Bench

PROVENANCE, ENVELOPE = ".provenance.json", ".dsse.json"
_MANIFEST = ".manifest.json"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One provenance as given; ``envelope`` is None for a bare statement, ``sha256`` of the file."""

    shown: str
    provenance: Provenance
    envelope: Envelope | None
    sha256: str

    @property
    def signatures(self) -> int:
        """How many signatures it carries, whosever they are."""
        return len(self.envelope.signatures) if self.envelope else 0


@dataclass(frozen=True, slots=True)
class Weight:
    """Whose signatures on one provenance count, and in words why others do not."""

    evidence: Evidence
    counted: tuple[TrustedKey, ...]
    reason: str = ""
    refused: tuple[str, ...] = ()


def gather(bench: Bench) -> tuple[Evidence, ...]:
    """Return the provenances that were named, else the one beside the image, else none.

    A damaged one is a ``UserError`` ``bad-attestation``.
    """

    def read_all() -> tuple[Evidence, ...]:
        return tuple(_read(path) for path in bench.options.provenances or _beside(bench))

    return bench.once(__name__, read_all)


def image_sha256(bench: Bench) -> str:
    """Return the SHA-256 in hexadecimal of the image that is verified."""
    if bench.image is None:
        raise UserError(
            id="not-an-image",
            cause=f"{bench.label} is no image, and only images have provenance",
            hint="name a unikernel_image target, or an image file",
        )
    path = bench.image.image

    def hashed() -> str:
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(
                id="unreadable-file",
                cause=f"{path} cannot be read: {error.strerror}",
                hint="name a file that exists",
            ) from error

    return bench.once(f"{__name__}.sha256", hashed)


def other_image(check: str, found: Iterable[Evidence], sha256: str) -> DifferenceError | None:
    """Return the error of ``check`` when a provenance is not of the image with this digest."""
    for one in found:
        if not one.provenance.statement.names(sha256):
            subject = one.provenance.subject("image") or one.provenance.statement.subject[0]
            return DifferenceError(
                id=check,
                cause=f"{one.shown} is the provenance of another image",
                hint="the image was changed, or this provenance belongs to another build of it",
                detail=(
                    f"the image is         sha256:{sha256}",
                    f"the provenance names sha256:{subject.sha256 or '(none)'} "
                    f"{strict_json.printable(subject.name)}".rstrip(),
                ),
            )
    return None


def weigh(evidence: Evidence, trust: Trust) -> Weight:
    """Tell which keys of ``trust`` signed, leaving out those that may not (any more)."""
    if not evidence.signatures or evidence.envelope is None:
        return Weight(evidence, (), "unsigned", (f"{evidence.shown} carries no signature",))
    signed = {key.keyid for key in evidence.envelope.signers([one.key for one in trust.keys])}
    counted: list[TrustedKey] = []
    refused: list[str] = []
    reason = ""
    now = dt.datetime.now(dt.UTC)
    builder = evidence.provenance.builder_id
    for one in trust.keys:
        if one.key.keyid not in signed:
            continue
        if one.expired(now):
            reason = reason or "key-expired"
            refused.append(f"{evidence.shown}: the key {one.name} expired at {one.expires}")
        elif not one.may_sign_for(builder):
            reason = reason or "key-of-another-builder"
            refused.append(f"{evidence.shown}: the key {one.name} may not sign for {builder}")
        else:
            counted.append(one)
    if not signed:
        reason, words = _unverified(evidence, trust)
        refused.append(f"{evidence.shown}: {words}")
    return Weight(evidence, tuple(counted), reason, tuple(refused))


def _unverified(evidence: Evidence, trust: Trust) -> tuple[str, str]:
    """Tell, for an envelope that no trusted key signed, whether it claims one."""
    claimed = {one.keyid for one in evidence.envelope.signatures} if evidence.envelope else set()
    for one in trust.keys:
        if one.key.keyid in claimed:
            return "signature-invalid", f"the signature of {one.name} does not fit the content"
    return "key-unknown", "none of its signatures is of a key that was named"


def _read(path: Path) -> Evidence:
    shown = strict_json.shown_path(path)
    data = strict_json.read_bytes(path)
    value = strict_json.parse(data, shown)
    provenance = Provenance(envelope.statement_in(value, shown), shown)
    return Evidence(
        shown, provenance, envelope.parse(value, shown), hashlib.sha256(data).hexdigest()
    )


def _beside(bench: Bench) -> tuple[Path, ...]:
    """Return the envelope beside the image, else the bare provenance, else nothing."""
    if bench.image is None:
        return ()
    manifest = bench.image.manifest
    plain = manifest.with_name(manifest.name.removesuffix(_MANIFEST) + PROVENANCE)
    for path in (plain.with_name(plain.name + ENVELOPE), plain):
        if path.is_file():
            return (path,)
    return ()
