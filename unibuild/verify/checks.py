"""The checks of ``unibuild verify``: their names, numbers, bits and error ids, once for all readers.

``number`` is the goal's number in the reference; ``bit`` its place in the report's ``failed`` mask,
which never changes once released; ``error_id`` is the id of the error that a failed check raises, and
``module`` has the function ``run(bench) -> Outcome`` that does it. ``default`` checks need nothing but a
label; the others run when asked for by an option, or with ``--all`` when they need no file of the user.
Checks run in the order of the table: cheap ones before dear ones, and who signed a provenance is known
before anything is rebuilt from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Subject = Literal["label", "file", "options"]


@dataclass(frozen=True, slots=True)
class Check:
    """One named check.

    ``subject`` says what it needs: a label, an image file, or either with the user's ``option``, without
    which the check cannot be done. A check ``of_images`` says nothing of another target.
    """

    name: str
    number: str
    bit: int
    error_id: str
    module: str
    summary: str
    subject: Subject
    default: bool = False
    option: str = ""
    of_images: bool = False


CHECKS: tuple[Check, ...] = (
    Check("locked", "V1", 0, "not-locked-down", "unibuild.verify.locked",
          "every source, toolchain and package is pinned by a digest", "label", default=True),
    Check("twice", "V3", 1, "rebuild-differs", "unibuild.verify.twice",
          "rebuilt without a cache, every action gives the same", "label", default=True),
    Check("varied", "V4", 2, "varied-rebuild-differs", "unibuild.verify.varied",
          "rebuilt in other surroundings, every action gives the same", "label", default=True),
    Check("cache", "V5", 3, "cache-not-honest", "unibuild.verify.cache_honesty",
          "cold, warm and half-filled caches give the same", "label", default=True),
    Check("materials", "V13", 4, "materials-incomplete", "unibuild.verify.materials_check",
          "every byte belongs to a component with digest, purl and licence", "label", default=True,
          of_images=True),
    Check("hardening", "V17", 5, "hardening-missing", "unibuild.verify.hardening_check",
          "the image keeps the static rules of its hardening profile", "label", default=True,
          of_images=True),
    Check("boots", "V18", 6, "boot-refused", "unibuild.verify.boots",
          "the image boots where it says and prints its identity", "label", default=True,
          of_images=True),
    Check("hermetic", "V2", 7, "not-hermetic", "unibuild.verify.hermetic",
          "no action reads what it did not declare, nor network, clock or host", "label"),
    Check("absent", "V14", 8, "absence-unproven", "unibuild.verify.absence_check",
          "what a VEX statement calls absent is absent by the link map", "label",
          option="--absent FILE"),
    Check("reference", "-", 9, "reference-differs", "unibuild.verify.reference",
          "the image is the published one", "options", option="--reference DIGEST|FILE"),
    Check("signed", "V9", 11, "signature-refused", "unibuild.verify.signed",
          "enough of the named keys signed the provenance", "options", option="--signed-by KEY"),
    Check("policy", "V10", 12, "policy-refused", "unibuild.verify.policy_check",
          "the provenance keeps the policy", "options", option="--policy FILE"),
    Check("artefact", "V6", 10, "artefact-not-reproduced", "unibuild.verify.artefact",
          "rebuilt from nothing but its provenance, the image is the same", "file",
          option="--provenance FILE"),
    Check("reproduced", "V12", 13, "not-reproduced", "unibuild.verify.reproduced",
          "independent builders made the same image", "options", option="--reproduced N"),
)  # fmt: skip

BY_NAME = {check.name: check for check in CHECKS}
