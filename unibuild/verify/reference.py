"""The image is the published one: its digest is the one named, or its bytes are those of a file.

Where a file is named and differs, the difference is explained (V7). Facts: ``expected`` and ``found``
(``sha256:HEX``), and ``difference`` (the tree) when a file was named and differs.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild.model.errors import DifferenceError, UserError
from unibuild.verify.attestation.evidence import image_sha256
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from unibuild.verify.workbench import Bench

ERROR = "reference-differs"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_LIKE_A_DIGEST = re.compile(r"[a-z0-9]+:.*|[0-9a-fA-F]{32,}")


def run(bench: Bench) -> Outcome:
    """Compare the image with ``--reference``."""
    found = image_sha256(bench)
    named = bench.options.reference
    digest = _DIGEST.fullmatch(named)
    file = None if digest else _file(named)
    expected = digest[1].lower() if digest else _sha256(file or Path(named))
    facts: dict[str, Any] = {"expected": f"sha256:{expected}", "found": f"sha256:{found}"}
    if expected == found:
        return Outcome("passed", f"it is sha256:{found}", facts=facts)
    detail: tuple[str, ...] = (f"expected sha256:{expected}", f"found    sha256:{found}")
    if file is not None and bench.image is not None:
        from unibuild.verify.difference import explain

        difference = explain(file, bench.image.image)
        detail = (*detail, f"first cause: {difference.first_cause}")
        facts["difference"] = difference.document()
    error = DifferenceError(
        id=ERROR,
        cause="the image is not the published one",
        hint=f"`unibuild diff {named} IMAGE-FILE` shows all that differs"
        if file
        else "name the published file instead of its digest, and the difference is explained",
        detail=detail,
    )
    return Outcome("failed", error.cause, (error,), facts=facts)


def _file(named: str) -> Path:
    path = Path(named)
    if path.is_file():
        return path
    if _LIKE_A_DIGEST.fullmatch(named):
        raise UserError(
            id="bad-reference",
            cause=f"{named!r} is no digest that can be compared",
            hint="write sha256: and 64 hexadecimal digits, or name a file",
        )
    raise UserError(
        id="missing-file",
        cause=f"there is no file {named} to compare with",
        hint="name the published image, or its digest as sha256:…",
    )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            id="unreadable-file",
            cause=f"{path} cannot be read: {error.strerror}",
            hint="name a file that can be read",
        ) from error
